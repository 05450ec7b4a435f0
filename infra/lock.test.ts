import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lock, tryLock } from './lock.ts'

const folder = await mkdtemp(join(tmpdir(), 'plaza-lock-'))
afterAll(() => rm(folder, { recursive: true }))

test('a lock is held once, and free again after its release', async () => {
  const file = join(folder, 'once')
  const first = tryLock(file)
  expect(first).toBeDefined()
  expect(tryLock(file)).toBeUndefined()

  let waited = false
  const second = lock(file, () => {
    waited = true
  })
  first?.[Symbol.dispose]()
  ;(await second)[Symbol.dispose]()
  expect(waited).toBe(true)
})

test('a killed process leaves no lock behind', async () => {
  const file = join(folder, 'killed')
  const source = `
    import { tryLock } from '${join(import.meta.dir, 'lock.ts')}'
    const held = tryLock('${file}')
    console.log('held')
    await Bun.sleep(60_000)
    held[Symbol.dispose]()`
  const holder = Bun.spawn([process.execPath, '-e', source], { stdout: 'pipe' })
  for await (const _ of holder.stdout) break
  expect(tryLock(file)).toBeUndefined()

  holder.kill('SIGKILL')
  await holder.exited
  using again = tryLock(file)
  expect(again).toBeDefined()
})
