import { expect, test } from 'bun:test'
import { createApi } from '../api.ts'
import { Emitter } from '../emitter.ts'
import { createExchange } from '../exchange.ts'
import { createSessionKeeper } from '../session.ts'
import { memoryStorage } from '../storage.ts'
import { scriptServer, sessionOf } from '../testing.ts'
import type { LiveEvents } from './events.ts'
import { createLive } from './live.ts'

test('while a socket is open the session is used by calls, and not any more after it', async () => {
  const { script, url } = scriptServer()
  let used = 0
  const twice = Promise.withResolvers<void>()
  script.routes['GET /api/v1/auth/me'] = () => {
    used += 1
    if (used === 2) twice.resolve()
    return sessionOf().user
  }
  const ending = new AbortController()
  const exchange = createExchange({ url, fetch, signal: ending.signal })
  const session = createSessionKeeper(exchange, memoryStorage(), () => {})
  await session.take(sessionOf())
  const live = createLive({
    url,
    api: createApi(exchange, session),
    emitter: new Emitter<LiveEvents>(),
    cursor: () => undefined,
    framesPerMinute: 480,
    attach: () => ({ accept: () => {}, close: () => {} }),
    useSessionMs: 20,
  })
  await live.run(ending.signal)
  await twice.promise
  ending.abort()
  const before = used
  await Bun.sleep(100)
  expect(used - before).toBeLessThan(2)
})
