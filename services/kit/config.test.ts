import { expect, test } from 'bun:test'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { environmentOf, list, number, readConfig, StartupError } from './config.ts'

test("a service's own variable wins over the shared one, and no other service's is seen", () => {
  const environment = { PORT: '1', MESSAGE_PORT: '2', AUTH_PORT: '3', HOST: 'h' }
  expect(environmentOf('message', environment)).toMatchObject({ PORT: '2', HOST: 'h' })
  expect(environmentOf('user', environment)).toMatchObject({ PORT: '1' })
})

test('a secret can come from a file; the variable itself wins; an unreadable file counts as not set', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plaza-config-'))
  const path = join(folder, 'secret')
  await writeFile(path, 'from the file\n')
  await chmod(path, 0o600)
  expect(environmentOf('auth', { AUTH_SECRET_FILE: path }).SECRET).toBe('from the file')
  expect(environmentOf('auth', { SECRET: 'given', SECRET_FILE: path }).SECRET).toBe('given')
  await rm(folder, { recursive: true })
  const environment = environmentOf('auth', { SECRET_FILE: path })
  expect(() => readConfig(z.object({ SECRET: z.string() }), environment)).toThrow(StartupError)
})

test("a service's own secret file wins over a shared value", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plaza-config-'))
  const path = join(folder, 'secret')
  await writeFile(path, 'own')
  expect(environmentOf('auth', { SECRET: 'shared', AUTH_SECRET_FILE: path }).SECRET).toBe('own')
  await rm(folder, { recursive: true })
})

test('every variable at fault is named at once, and no value is shown', () => {
  const schema = z.object({ A: z.string(), B: number(1, 0, 5) })
  let message = ''
  try {
    readConfig(schema, { B: '99-hunter2' })
  } catch (error) {
    message = String(error)
  }
  expect(message).toContain('A:')
  expect(message).toContain('B:')
  expect(message).not.toContain('hunter2')
})

test('an empty or blank variable is one that is not set', () => {
  const schema = z.object({ A: z.string().default('x'), B: number(7), C: number(8) })
  expect(readConfig(schema, { A: '', B: '', C: ' ' })).toEqual({ A: 'x', B: 7, C: 8 })
})

test('a list is split at commas and loses its blanks', () => {
  expect(readConfig(z.object({ A: list('a') }), { A: ' b, ,c ' })).toEqual({ A: ['b', 'c'] })
})
