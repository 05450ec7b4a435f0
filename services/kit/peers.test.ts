import { afterAll, expect, test } from 'bun:test'
import { createLog } from './log.ts'
import { createPeer } from './peers.ts'
import { eventually } from './testing.ts'

const log = createLog('silent')
const tokens = { issue: async () => 'token', verify: async () => 'other' }

/** A service that answers as the test says; `asked` counts its requests. */
function startPeer(answer: (request: Request) => Response | Promise<Response> = () => new Response('ok')) {
  const peer = { asked: 0, answer, url: '', stop: () => server.stop(true) }
  const server = Bun.serve({
    port: 0,
    fetch(request) {
      peer.asked += 1
      return peer.answer(request)
    },
  })
  peer.url = server.url.href
  afterAll(() => server.stop(true))
  return peer
}
const call = (urls: string[], timeoutMs = 500) => createPeer({ name: 'other', urls, tokens, log, timeoutMs })
const unavailable = { code: 'unavailable' }
const refusing = 'http://127.0.0.1:1'

test('a call carries the service token, its path and its body', async () => {
  const peer = startPeer(async (request) =>
    Response.json([
      request.headers.get('authorization'),
      new URL(request.url).pathname,
      await request.text(),
    ]),
  )
  const answer = await call([peer.url])('http://other/internal/x', { method: 'POST', body: 'hello' })
  expect(await answer.json()).toEqual(['Bearer token', '/internal/x', 'hello'])
})

test('instances take turns', async () => {
  const peers = [startPeer(), startPeer()]
  const other = call(peers.map(({ url }) => url))
  for (let count = 0; count < 6; count += 1) await other('http://other/')
  expect(peers.map(({ asked }) => asked)).toEqual([3, 3])
})

test('an idempotent call goes on to another instance when one is dead', async () => {
  const alive = startPeer()
  const other = call([refusing, alive.url])
  for (let count = 0; count < 4; count += 1) expect((await other('http://other/')).status).toBe(200)
})

test('a call that may have been taken is not made twice', async () => {
  const broken = startPeer(() => new Response('', { status: 503 }))
  const other = call([broken.url])
  await expect(other('http://other/', { method: 'POST' })).rejects.toMatchObject(unavailable)
  expect(broken.asked).toBe(1)
  const keyed = { method: 'POST', headers: { 'idempotency-key': 'k' } }
  await expect(other('http://other/', keyed)).rejects.toMatchObject(unavailable)
  expect(broken.asked).toBe(3)
})

test('a peer that does not answer in time is unavailable', async () => {
  const slow = startPeer(() => Bun.sleep(2_000).then(() => new Response('late')))
  await expect(call([slow.url], 50)('http://other/', { method: 'POST' })).rejects.toMatchObject(unavailable)
})

test("a peer's own refusal is its answer, not a failure", async () => {
  const peer = startPeer(() => new Response('no', { status: 404 }))
  const other = call([peer.url])
  for (let count = 0; count < 10; count += 1) expect((await other('http://other/')).status).toBe(404)
})

test('one that says why it cannot do this now is well: neither repeated nor counted', async () => {
  const problem = { status: 503, code: 'unavailable', reason: 'overloaded' }
  const peer = startPeer(() => Response.json(problem, { status: 503 }))
  const other = call([peer.url])
  for (let count = 0; count < 10; count += 1) {
    const answer = await other('http://other/')
    expect([answer.status, await answer.json()]).toEqual([503, problem])
  }
  expect(peer.asked).toBe(10)
})

test('after five failures the breaker opens; later one call tries, and closes it', async () => {
  const peer = startPeer(() => new Response('', { status: 503 }))
  const other = call([peer.url])
  const send = () => other('http://other/', { method: 'POST' })
  for (let count = 0; count < 5; count += 1) await expect(send()).rejects.toMatchObject(unavailable)
  expect(peer.asked).toBe(5)
  await expect(send()).rejects.toMatchObject(unavailable)
  expect(peer.asked).toBe(5)

  // Half open: one call is let through, and its failure opens the breaker again at once.
  await eventually(async () => {
    await send().catch(() => {})
    expect(peer.asked).toBe(6)
  })
  await expect(send()).rejects.toMatchObject(unavailable)
  expect(peer.asked).toBe(6)

  peer.answer = () => new Response('ok')
  await eventually(async () => expect((await send()).status).toBe(200))
  for (let count = 0; count < 5; count += 1) expect((await send()).status).toBe(200)
})

test('a service of the same process is called without the wire', async () => {
  const other = createPeer({
    name: 'other',
    urls: [refusing],
    tokens,
    log,
    local: () => (request) => new Response(request.headers.get('authorization')),
  })
  expect(await (await other('http://other/')).text()).toBe('Bearer token')
})
