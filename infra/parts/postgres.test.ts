import { afterAll, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../ports.ts'
import { secret } from '../secret.ts'
import type { Part } from './part.ts'
import { startPostgres } from './postgres.ts'

const folder = await mkdtemp(join(tmpdir(), 'plaza-postgres-'))
await chmod(folder, 0o711)
const running: Part[] = []
afterAll(async () => {
  await Promise.all(running.map((part) => part.stop()))
  await rm(folder, { recursive: true })
})

const start = async (name: string) => {
  const dir = join(folder, name)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const part = await startPostgres({
    dir,
    port: await freePort(),
    password: secret(),
    logFile: join(folder, `${name}.log`),
    progress: () => undefined,
    settings: { fsync: 'off' },
  })
  running.push(part)
  return part
}
const lives = ({ pid }: Part) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a server that was left behind on the data is ended before the next one starts', async () => {
  const orphan = await start('own')
  const next = await start('own')
  await orphan.exited
  expect(lives(next)).toBe(true)
})

test('a server that was left behind is known by its data, whatever the folder is called now', async () => {
  const orphan = await start('jürgen')
  await symlink(join(folder, 'jürgen'), join(folder, 'alias'))
  const next = await start('alias')
  await orphan.exited
  expect(lives(next)).toBe(true)
})

test('a pid file that now names the server of other data ends nobody', async () => {
  const stranger = await start('other')
  const file = join(folder, 'stale/data/postmaster.pid')
  await (await start('stale')).stop()
  expect(existsSync(file)).toBe(false)
  await Bun.write(file, await Bun.file(join(folder, 'other/data/postmaster.pid')).text())
  const next = await start('stale')
  expect(lives(next)).toBe(true)
  expect(lives(stranger)).toBe(true)
})

test("an empty pid file is in nobody's way", async () => {
  await (await start('empty')).stop()
  await Bun.write(join(folder, 'empty/data/postmaster.pid'), '')
  expect(lives(await start('empty'))).toBe(true)
})

test.skipIf(process.getuid?.() !== 0)(
  'data that were kept elsewhere and are gone are asked for',
  async () => {
    const gone = join(folder, 'gone')
    await mkdir(join(folder, 'copied'))
    await Bun.write(join(folder, 'copied/elsewhere'), gone)
    await expect(start('copied')).rejects.toThrow(
      `${gone}, where ${folder} keeps its Postgres, is gone: put it back`,
    )
    expect(existsSync(gone)).toBe(false)
  },
)
