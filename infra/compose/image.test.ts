import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = await mkdtemp(join(tmpdir(), 'plaza-image-'))
afterAll(() => rm(folder, { recursive: true }))

const textOf = (path: string) => Bun.file(join(import.meta.dir, '../..', path)).text()

test('the image holds no .env', async () => {
  expect((await textOf('.dockerignore')).split('\n')).toContain('**/.env*')
})

test('what runs in the image reads no .env', async () => {
  const variables = (await textOf('services/Dockerfile')).matchAll(/^ENV (\w+)=(.*)$/gm)
  const env = Object.fromEntries([...variables].map(([, name, value]) => [name, value]))
  await Bun.write(join(folder, '.env'), 'SMTP_URL=smtp://somebody:secret@example.org')
  const command = [process.execPath, '-e', 'console.log(process.env.SMTP_URL)']
  expect(await Bun.spawn(command, { cwd: folder, env }).stdout.text()).toBe('undefined\n')
})
