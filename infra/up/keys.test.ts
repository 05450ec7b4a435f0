import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../failure.ts'
import { ensureKeys } from './keys.ts'
import { services } from './registry.ts'

const root = await mkdtemp(join(tmpdir(), 'plaza-keys-'))
afterAll(() => rm(root, { recursive: true }))
const folder = join(root, 'keys')
const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)
const inodes = async () =>
  Promise.all((await readdir(folder)).sort().map(async (name) => (await stat(join(folder, name))).ino))
const contents = async () =>
  Promise.all((await readdir(folder)).sort().map((name) => Bun.file(join(folder, name)).text()))

test('keys are made once and stay the same', async () => {
  await ensureKeys(folder)
  const before = [await contents(), await inodes()]
  await ensureKeys(folder)
  // The very same files: what is not written cannot be lost.
  expect([await contents(), await inodes()]).toEqual(before)
})

test.each([
  ['passwords.json', '', 'empty: put it back from your copy'],
  ['passwords.json', '{"postgres":', 'broken: put it back from your copy'],
  ['encryption-secret', '', 'empty: put it back from your copy'],
  ['service-auth.jwk.json', '{}', 'broken: remove it, and another is made'],
  ['auth.pem', '', 'empty: remove it, and another is made'],
  ['auth-key.pem', 'key', 'broken: remove it, and another is made'],
])('%s that holds "%s" is named, and left as it is', async (name, text, reason) => {
  const file = join(folder, name)
  await ensureKeys(folder)
  await rename(file, join(root, 'kept'))
  await Bun.write(file, text)
  const refusal = await ensureKeys(folder).catch((error) => error)
  expect(refusal).toBeInstanceOf(Failure)
  expect(refusal.message).toBe(`${file} is ${reason}`)
  expect(await Bun.file(file).text()).toBe(text)
  await rename(join(root, 'kept'), file)
})

test('nobody else on the machine can read a key', async () => {
  await ensureKeys(folder)
  expect(await modeOf(folder)).toBe('700')
  for (const name of await readdir(folder)) expect(await modeOf(join(folder, name))).toBe('600')
})

test('the public file holds one key for each service and no private half', async () => {
  const keys = await ensureKeys(folder)
  const { keys: known } = await Bun.file(keys.serviceJwks).json()
  expect(known.map((key: { kid: string }) => key.kid)).toEqual(services.map(({ name }) => name))
  expect(JSON.stringify(known)).not.toContain('"d"')
  expect(await Bun.file(keys.serviceKey('auth')).json()).toMatchObject({ kid: 'auth', d: expect.any(String) })
})

test('a service that is new gets its key and password, the others keep theirs', async () => {
  const before = await ensureKeys(folder)
  await rm(before.serviceKey('relay'))
  const { relay: _, ...others } = before.passwords.roles
  await Bun.write(join(folder, 'passwords.json'), JSON.stringify({ ...before.passwords, roles: others }))
  const { passwords } = await ensureKeys(folder)
  expect(passwords.roles).toMatchObject(others)
  expect(passwords.roles.relay).toBeString()
  expect(await Bun.file(before.serviceKey('relay')).json()).toMatchObject({ kid: 'relay' })
})

test('the gateway can trust the certificate of auth', async () => {
  const keys = await ensureKeys(folder)
  const [cert, key, ca] = await Promise.all(
    [keys.certificate, keys.certificateKey, keys.authority].map((path) => Bun.file(path).text()),
  )
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    tls: { cert, key },
    fetch: () => new Response('hello'),
  })
  const ask = (trusted?: string) =>
    fetch(`https://127.0.0.1:${server.port}/`, { tls: trusted ? { ca: trusted } : {} })
  expect(await (await ask(ca)).text()).toBe('hello')
  await expect(ask()).rejects.toThrow()
  await server.stop(true)
})
