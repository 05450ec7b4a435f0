import { afterAll, beforeEach, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Failure } from '../failure.ts'
import { locate, type Source, type Tool } from './tool.ts'

const root = await mkdtemp(join(tmpdir(), 'plaza-tools-'))
beforeEach(async () => {
  process.env.PLAZA_TOOLS = await mkdtemp(join(root, 'cache-'))
})
afterAll(async () => {
  delete process.env.PLAZA_TOOLS
  await rm(root, { recursive: true })
})

const quiet = () => undefined
const source = (from: string, fetch: Source['fetch']): Source => ({ from, available: () => true, fetch })
const tool = (...sources: Source[]): Tool => ({
  name: 'hammer',
  version: '1.0.0',
  find: async () => undefined,
  program: 'bin/hammer',
  sources,
  hint: 'buy one',
})
const good = source('the shop', async (folder) => {
  await Bun.write(join(folder, 'bin/hammer'), 'bang')
})
const broken = source('the yard', async (folder) => {
  await Bun.write(join(folder, 'bin/hammer'), 'half of it')
  throw new Failure('it is closed')
})

test('what is on the machine already is not fetched', async () => {
  expect(await locate({ ...tool(broken), find: async () => '/usr/bin/hammer' }, quiet)).toBe(
    '/usr/bin/hammer',
  )
})

test('many who need a tool at once fetch it once', async () => {
  let fetched = 0
  const counting = source('the shop', async (folder, progress) => {
    fetched++
    await good.fetch(folder, progress)
  })
  const paths = await Promise.all([1, 2, 3, 4].map(() => locate(tool(counting), quiet)))
  expect(fetched).toBe(1)
  expect(await Bun.file(paths[0] ?? '').text()).toBe('bang')
})

test('a source that fails leaves nothing and the next one is tried', async () => {
  const program = await locate(tool(broken, good), quiet)
  expect(await Bun.file(program).text()).toBe('bang')
})

test('without a source that works, one line says what to do', async () => {
  const failure = locate(tool(broken), quiet)
  await expect(failure).rejects.toThrow('no hammer on this machine: buy one; the yard: it is closed')
  expect(await readdir(process.env.PLAZA_TOOLS ?? '')).toEqual(['hammer-1.0.0.lock'])
})
