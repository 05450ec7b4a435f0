import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileStorage } from './file-storage.ts'

test('what is kept is there for the next process, and for its owner alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'plaza-storage-'))
  afterAll(() => rm(folder, { recursive: true }))
  const path = join(folder, 'inner', 'ada.json')
  const storage = fileStorage(path)
  expect(await storage.get('a')).toBeNull()
  await storage.set('a', '{"1":2}')
  await storage.set('b', 'x')
  await storage.remove('b')
  const next = fileStorage(path)
  expect([await next.get('a'), await next.get('b')]).toEqual(['{"1":2}', null])
  expect((await stat(path)).mode & 0o777).toBe(0o600)
  expect(await readdir(join(folder, 'inner'))).toEqual(['ada.json'])
})
