import { expect, test } from 'bun:test'
import { z } from 'zod'
import { createBatcher } from './batch.ts'
import { defineEvent } from './events.ts'
import { createLog } from './log.ts'
import { carryOrigin, originNow, readTrace, runFor } from './trace.ts'

const traceId = 'a'.repeat(32)
const traceparent = `00-${traceId}-${'b'.repeat(16)}-01`
const origin = { trace: readTrace(traceparent), requestId: 'request-1' }

test('a trace is continued as it came, or begun', () => {
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  expect(readTrace(traceparent)).toEqual({ traceparent, traceId: 'a'.repeat(32), sampled: true })
  const malformed = [
    `00-${'a'.repeat(31)}-${'b'.repeat(16)}-01`,
    `00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`,
    `00-${'a'.repeat(32)}-${'0'.repeat(16)}-01`,
  ]
  for (const header of [undefined, '', 'rubbish', ...malformed]) {
    const fresh = readTrace(header)
    expect(fresh.sampled).toBe(false)
    expect(fresh.traceparent).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  }
})

test('what is emitted for a sampled request names its trace, and nothing else does', () => {
  const noted = defineEvent('message', 'note.made', z.object({}))
  const emit = () => noted.emit({ subject: 'x', data: {} }).event.traceparent
  expect(runFor(origin, emit)).toBe(traceparent)
  expect(runFor({ trace: readTrace(undefined) }, emit)).toBeUndefined()
  expect(emit()).toBeUndefined()
})

test('a call for a request carries its trace and its id', () => {
  const headers = new Headers()
  carryOrigin(headers)
  expect([...headers]).toEqual([])
  runFor(origin, () => carryOrigin(headers))
  expect(Object.fromEntries(headers)).toEqual({ traceparent, 'x-request-id': 'request-1' })
})

test('a line of the log tells which request it is about', async () => {
  const lines: string[] = []
  const log = createLog('info', { write: (line) => lines.push(line) }).child({ service: 'kit' })
  await runFor(origin, async () => {
    await Bun.sleep(1)
    log.info({ peer: 'message' }, 'hello')
  })
  log.info('hello')
  const [inside, outside] = lines.map((line) => JSON.parse(line))
  expect(inside).toMatchObject({ requestId: 'request-1', traceId })
  expect(Object.keys(inside).slice(-4)).toEqual(['peer', 'requestId', 'traceId', 'msg'])
  expect(outside).not.toContainAnyKeys(['requestId', 'traceId'])
})

test('a batch that many share runs for none of them, and each goes on for its own', async () => {
  const origins: unknown[] = []
  const batcher = createBatcher<string, string>({
    async run(jobs) {
      origins.push(originNow())
      return jobs
    },
  })
  const send = (requestId: string) =>
    runFor({ ...origin, requestId }, async () => {
      await batcher.add(requestId)
      return originNow()?.requestId
    })
  expect(await Promise.all([send('first'), send('second')])).toEqual(['first', 'second'])
  expect(origins).toEqual([undefined])
})
