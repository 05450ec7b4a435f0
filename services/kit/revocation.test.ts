import { afterAll, expect, test } from 'bun:test'
import { newId } from './id.ts'
import { createIdentity } from './identity.ts'
import { toRow } from './outbox.ts'
import { followRevocations, heartbeatSubject, revocationStream, tokensRevoked } from './revocation.ts'
import { ensureStream } from './stream.ts'
import { eventually, testDeps } from './testing.ts'

const deps = await testDeps(import.meta.path)
const nats = await deps.host.nats()
const revocations = followRevocations(nats, deps.host.log)
let asked = 0
let answer = () => Response.json({ revoked: false })
const identity = createIdentity({
  revocations,
  auth: async (input) => {
    if (!String(input).endsWith('/revocations/check')) return await keys()
    asked += 1
    return answer()
  },
})
const keys = async () =>
  (await deps.host.local.get('auth')?.(new Request('http://auth/'))) ?? new Response('', { status: 503 })
afterAll(() => revocations.stop())

const seconds = () => Date.now() / 1_000
const revoke = (scope: 'session' | 'user', id: string) =>
  nats.publish(toRow(tokensRevoked.emit({ subject: newId(), data: { scope, id, notBefore: seconds() } })))
const fresh = () => eventually(() => expect(revocations.isFresh()).toBe(true))
const refused = { code: 'unauthenticated', options: { reason: 'revoked' } }

test('a token passes; its session ended, it is refused, and only that session', async () => {
  await fresh()
  const one = await deps.createUser()
  const other = await deps.createUser({ id: one.id })
  expect(await identity.verifyUser(one.token)).toMatchObject({ userId: one.id, sessionId: one.sessionId })
  await revoke('session', one.sessionId)
  await eventually(() => expect(identity.verifyUser(one.token)).rejects.toMatchObject(refused))
  expect(await identity.verifyUser(other.token)).toMatchObject({ userId: one.id })
  expect(asked).toBe(0)
})

test('all tokens of a user issued before are refused, a later one passes', async () => {
  await fresh()
  const before = await deps.createUser()
  // Times count in milliseconds: what was issued within the same one is not before.
  await Bun.sleep(2)
  await revoke('user', before.id)
  await eventually(() => expect(identity.verifyUser(before.token)).rejects.toMatchObject(refused))
  const after = await deps.createUser({ id: before.id })
  expect(await identity.verifyUser(after.token)).toMatchObject({ userId: before.id })
})

test('a process that starts later learns of earlier revocations', async () => {
  const user = await deps.createUser()
  await revoke('session', user.sessionId)
  const late = followRevocations(nats, deps.host.log)
  const token = { userId: user.id, sessionId: user.sessionId, issuedAt: seconds() }
  await eventually(() => expect(late.isRevoked(token)).toBe(true))
  await late.stop()
})

test('a revocation of one’s own counts at once and calls the listeners once', () => {
  const sessionId = newId()
  const heard: string[] = []
  const end = revocations.onRevoked(({ id }) => heard.push(id))
  const entry = { scope: 'session' as const, id: sessionId, notBefore: seconds() }
  revocations.apply(entry)
  revocations.apply(entry)
  end()
  expect(revocations.isRevoked({ userId: newId(), sessionId, issuedAt: seconds() })).toBe(true)
  expect(heard).toEqual([sessionId])
})

test('the stream deleted, auth is asked; made again, it is followed again', async () => {
  const user = await deps.createUser()
  await nats.jsm.streams.delete(revocationStream)
  await eventually(() => expect(revocations.isFresh()).toBe(false))
  const before = asked
  expect(await identity.verifyUser(user.token)).toMatchObject({ userId: user.id })
  expect(asked).toBe(before + 1)
  answer = () => Response.json({ revoked: true })
  await expect(identity.verifyUser(user.token)).rejects.toMatchObject(refused)
  answer = () => new Response('', { status: 500 })
  await expect(identity.verifyUser(user.token)).rejects.toMatchObject({ code: 'unavailable' })
  answer = () => Response.json({ revoked: false })

  await ensureStream(nats, {
    name: revocationStream,
    subjects: [heartbeatSubject, `evt.${tokensRevoked.type}.*`],
  })
  await fresh()
  await revoke('session', user.sessionId)
  await eventually(() => expect(identity.verifyUser(user.token)).rejects.toMatchObject(refused))
})

test('after the broker was away the process asks, then follows again', async () => {
  await deps.parts.nats.kill()
  await eventually(() => expect(revocations.isFresh()).toBe(false))
  const user = await deps.createUser()
  answer = () => Response.json({ revoked: true })
  await expect(identity.verifyUser(user.token)).rejects.toMatchObject(refused)
  await deps.parts.nats.restart()
  await fresh()
  expect(await identity.verifyUser(user.token)).toMatchObject({ userId: user.id })
})
