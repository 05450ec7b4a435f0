import { afterAll, expect, test } from 'bun:test'
import { dataErased } from '@plaza/kit/erasure'
import { toRow } from '@plaza/kit/outbox'
import { ensureStream } from '@plaza/kit/stream'
import { eventually } from '@plaza/kit/testing'
import { z } from 'zod'
import { Erasure } from '../schema.ts'
import {
  type AuthProcess,
  createWorld,
  expectProblem,
  type Instance,
  type Person,
  spawnAuth,
} from './_world.ts'

const { auth, deps, environment, sql, start, register, eventsAbout } = await createWorld(import.meta.path)
const services = ['user', 'message', 'relay']
const nats = await deps.host.nats()
for (const service of services)
  await ensureStream(nats, { name: service.toUpperCase(), subjects: [`evt.${service}_data.>`] })

const processes: AuthProcess[] = []
afterAll(() => Promise.all(processes.map((process) => process.kill())))
const spawn = async () => {
  const process = await spawnAuth({ ...environment, ERASURE_NUDGE_SECONDS: '3600' })
  processes.push(process)
  return process
}

const sendReceipt = (service: string, userId: string) =>
  nats.publish(toRow(dataErased(service).emit({ subject: userId, data: { userId } })))
const deleteMe = async (instance: Instance, person: Person) => {
  const answer = await instance.as(person).api.v1.auth.me.$delete({ json: { password: person.password } })
  expect(answer.status).toBe(202)
  return z.object({ erasureId: z.string() }).parse(await answer.json()).erasureId
}
const erasureAt = async ({ client }: Instance, erasureId: string) =>
  Erasure.parse(await (await client.api.v1.auth.erasures[':erasureId'].$get({ param: { erasureId } })).json())

test('the account ends when the last receipt is in: nothing personal stays, the address is free, the name is not', async () => {
  const person = await register()
  const { id: userId, username, email } = person.user
  const erasureId = await deleteMe(auth, person)
  for (const service of ['user', 'message']) await sendReceipt(service, userId)
  await eventually(async () =>
    expect((await erasureAt(auth, erasureId)).receipts.filter(({ receivedAt }) => receivedAt)).toHaveLength(
      2,
    ),
  )
  expect((await erasureAt(auth, erasureId)).status).toBe('running')
  expect(await eventsAbout('user.erased', userId)).toHaveLength(0)
  await sendReceipt('relay', userId)
  await eventually(async () =>
    expect(await eventsAbout('user.erased', userId)).toMatchObject([{ data: { userId } }]),
  )
  expect(await erasureAt(auth, erasureId)).toMatchObject({ status: 'done', finishedAt: expect.any(String) })
  const [row] = await sql`select * from users where id = ${userId}`
  expect(row).toMatchObject({ username: null, email: null, emailKey: null, passwordHash: null })
  expect(await sql`select id from sessions where user_id = ${userId}`).toHaveLength(0)
  const again = { username, email, password: person.password }
  await expectProblem(await auth.client.api.v1.auth.register.$post({ json: again }), 409, {
    code: 'conflict',
    reason: 'username_taken',
  })
  const renamed = { ...again, username: `${username}2` }
  expect((await auth.client.api.v1.auth.register.$post({ json: renamed })).status).toBe(201)
})

test('receipts that come at the same time, twice, late, or for nobody end one account once', async () => {
  const person = await register()
  const { id: userId } = person.user
  const second = await start()
  const erasureId = await deleteMe(auth, person)
  await Promise.all([...services, ...services].map((service) => sendReceipt(service, userId)))
  await sendReceipt('user', crypto.randomUUID())
  await eventually(async () => expect((await erasureAt(second, erasureId)).status).toBe('done'))
  await sendReceipt('user', userId)
  await eventually(async () => expect(await eventsAbout('user.erased', userId)).toHaveLength(1))
  await second.stop()
})

test('services whose receipts are missing are asked again, by a new event', async () => {
  const impatient = await start({ ERASURE_NUDGE_SECONDS: '1' })
  const person = await register()
  await deleteMe(auth, person)
  await eventually(async () => {
    const asked = await eventsAbout('user.deleted', person.user.id)
    expect(new Set(asked.map(({ id }) => id)).size).toBeGreaterThan(1)
  })
  await impatient.stop()
})

test('they are asked less and less often, for each question makes services erase again', async () => {
  const people = await Promise.all(Array.from({ length: 4 }, () => register()))
  // Of each pair, the first has waited long enough for another question, the second has not.
  const waited = [
    { nudges: 1, seconds: 11 },
    { nudges: 1, seconds: 4 },
    { nudges: 7, seconds: 121 },
    { nudges: 7, seconds: 70 },
  ]
  for (const person of people) await deleteMe(auth, person)
  for (const [index, { nudges, seconds }] of waited.entries())
    await sql`
      update erasures
      set nudges = ${nudges}, nudged_at = now() - make_interval(secs => ${seconds})
      where user_id = ${people[index]?.user.id ?? ''}`
  const impatient = await start({ ERASURE_NUDGE_SECONDS: '2' })
  const nudges = async () => {
    const rows = await sql<{ userId: string; nudges: number }[]>`select user_id, nudges from erasures`
    const counts = new Map(rows.map(({ userId, nudges }) => [userId, nudges]))
    return people.map(({ user }) => counts.get(user.id))
  }
  await eventually(async () => expect(await nudges()).toEqual([2, 1, 8, 7]))
  await impatient.stop()
})

test('kill -9 at each step of the saga: every step still happens, and the account ends', async () => {
  await auth.stop()
  const first = await spawn()
  const person = await register(first)
  const { id: userId } = person.user

  // Committed, but nothing could be published.
  await deps.parts.nats.kill()
  const erasureId = await deleteMe(first, person)
  await first.kill()
  await deps.parts.nats.restart()
  const second = await spawn()
  await eventually(async () => expect(await eventsAbout('user.deleted', userId)).not.toHaveLength(0))
  const token = second.as(person)
  await eventually(async () => expect((await token.api.v1.auth.me.$get()).status).toBe(401))

  // One receipt is noted, one comes while nobody listens.
  await sendReceipt('user', userId)
  await eventually(async () =>
    expect((await erasureAt(second, erasureId)).receipts.filter(({ receivedAt }) => receivedAt)).toHaveLength(
      1,
    ),
  )
  await second.kill()
  await sendReceipt('message', userId)
  const third = await spawn()
  await eventually(
    async () =>
      expect(
        (await erasureAt(third, erasureId)).receipts.filter(({ receivedAt }) => receivedAt),
      ).toHaveLength(2),
    // What the broker had handed to the dead process comes again after half a minute.
    45_000,
  )

  // The last receipt is noted, and its consequence not yet published.
  await sendReceipt('relay', userId)
  await eventually(async () => {
    const [row] = await sql`select finished_at from erasures where id = ${erasureId}`
    expect(row?.finishedAt).toBeDate()
  })
  await third.kill()
  const fourth = await spawn()
  await eventually(async () => expect(await eventsAbout('user.erased', userId)).toHaveLength(1))
  expect((await erasureAt(fourth, erasureId)).status).toBe('done')
}, 120_000)
