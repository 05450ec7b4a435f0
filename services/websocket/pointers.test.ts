import { expect, test } from 'bun:test'
import { createLog } from '@plaza/kit/log'
import { eventually } from '@plaza/kit/testing'
import { createPointers } from './pointers.ts'
import type { Session } from './session.ts'

test('what could not be brought gives way to what was noted since', async () => {
  const tries: { values: string[]; fail(): void; take(): void }[] = []
  const pointers = createPointers<string>({
    log: createLog('silent'),
    everyMs: 1,
    maxBatch: 10,
    merge: (_kept, value) => value,
    bring: (items) =>
      new Promise((resolve, reject) => {
        const values = items.map(({ value }) => value)
        tries.push({ values, fail: () => reject(new Error('relay is away')), take: () => resolve() })
      }),
  })
  const session = { userId: 'u', sessionId: 's', issuedAt: 0 } as Session
  pointers.note(session, '', 'five')
  await eventually(() => expect(tries).toHaveLength(1))
  pointers.note(session, '', 'ten')
  tries[0]?.fail()
  await eventually(() => expect(tries).toHaveLength(2))
  expect(tries[1]?.values).toEqual(['ten'])
  tries[1]?.take()
  await pointers.stop()
})
