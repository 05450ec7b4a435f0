import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { freePort } from '../ports.ts'
import { secret } from '../secret.ts'
import { run } from '../tools/command.ts'
import { locatePostgres } from '../tools/postgres.ts'

// Only root keeps anything below /var/lib/plaza; an empty one of our own takes its place here.
const withoutShared = (...command: string[]) => [
  ...['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none /var/lib && umask 077 && exec "$@"', 'sh'],
  ...command,
]
const possible =
  process.getuid?.() === 0 &&
  (await run(withoutShared('true')).then(
    () => true,
    () => false,
  ))

const folder = await mkdtemp(join(tmpdir(), 'plaza-umask-'))
afterAll(() => rm(folder, { recursive: true }))

const start = async (path = process.env.PATH ?? '') => {
  const options = { dir: join(folder, secret()), port: await freePort(), password: secret() }
  const script = `
    import { startPostgres } from ${JSON.stringify(join(import.meta.dir, 'postgres.ts'))}
    const options = ${JSON.stringify({ ...options, logFile: join(folder, 'log'), settings: { fsync: 'off' } })}
    const part = await startPostgres({ ...options, progress: console.log })
    await part.stop()
    console.log('stopped')`
  return run(withoutShared(process.execPath, '-e', script), { env: { PATH: path } })
}

test.skipIf(!possible)('under a strict umask Postgres starts on data that it cannot reach', async () => {
  expect(await start()).toContain('stopped')
})

test.skipIf(!possible)(
  'under a strict umask Postgres starts from programs that it cannot reach',
  async () => {
    const installed = dirname(await locatePostgres(undefined, () => undefined))
    await run(['sh', '-c', 'umask 077 && cp -R "$0" "$1"', installed, join(folder, 'own')])
    expect(await start(`${join(folder, 'own/bin')}:${process.env.PATH}`)).toContain('copying Postgres')
  },
)
