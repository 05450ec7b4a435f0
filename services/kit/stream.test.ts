import { expect, test } from 'bun:test'
import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { ensureStream } from './stream.ts'
import { testDeps } from './testing.ts'

const deps = await testDeps(import.meta.path)
const nats = await deps.host.nats()

test('a stream may be larger than what is free on the disk: it takes no room before it has events', async () => {
  const { bavail, bsize } = await statfs(tmpdir())
  const max_bytes = Math.min(bavail * bsize, 2 ** 39)
  await ensureStream(nats, { name: 'ROOMY', subjects: ['roomy.>'], max_bytes })
  expect((await nats.jsm.streams.info('ROOMY')).config.max_bytes).toBe(max_bytes)
})

test('a stream that is there gets its new settings', async () => {
  const spec = { name: 'GROWN', subjects: ['grown.>'] }
  await ensureStream(nats, spec)
  await ensureStream(nats, { ...spec, subjects: ['grown.>', 'taller.>'] })
  expect((await nats.jsm.streams.info('GROWN')).config.subjects).toEqual(['grown.>', 'taller.>'])
})

test('a stream that cannot be made says why', async () => {
  const made = ensureStream(nats, { name: 'HUGE', subjects: ['huge.>'], max_bytes: 2 ** 50 })
  await expect(made).rejects.toThrow('insufficient storage')
})
