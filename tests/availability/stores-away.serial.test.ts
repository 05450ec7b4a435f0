import { afterAll, expect, test } from 'bun:test'
import { PlazaClient } from '@plaza/client'
import { eventually } from '@plaza/kit/testing'
import { grantAdmin, instancesOf } from '../instances.ts'
import type { Operation } from '../operations.ts'
import { unexpectedErrors } from '../people.ts'
import { startPlaza } from '../plaza.ts'
import { call, logIn, register } from '../trust/_people.ts'
import { holdDown, holdStill } from './_hold.ts'
import {
  type Answered,
  askAll,
  isUnavailable,
  operations,
  prepareRequests,
  statusesOf,
} from './_operations.ts'

const plaza = await startPlaza()
afterAll(() => plaza.stop())
const { url } = plaza
const instances = await instancesOf(plaza)

const boss = await (async () => {
  const somebody = await register(url)
  await grantAdmin(plaza, somebody.username)
  return eventually(async () => {
    const admin = await logIn(url, somebody)
    expect((await call(url, 'GET', '/api/v1/admin/users', admin.accessToken)).status).toBe(200)
    return admin
  })
})()
const ask = async () => askAll(await prepareRequests(url, boss), () => url)

/** What each operation answers while all is well; every later round asks the same of new people. */
const well = statusesOf(await ask())

/** What nobody can do without the store of mailboxes, tickets and presence. */
const ofRedis = ['acknowledgeQueue', 'connect', 'createTicket', 'enqueue', 'listQueue']

const needyOperations = operations.filter(({ id }) => ofRedis.includes(id))
const placeOf = ({ service }: Operation) => instances.find(({ name }) => name === service)?.url ?? ''

const device = async () => {
  const { username, password, id } = await register(url)
  const client = new PlazaClient({ url })
  await client.account.logIn({ login: username, password })
  afterAll(() => client.close())
  return { id, client }
}
const [ada, ben] = [await device(), await device()]
const { id: conversationId } = await ada.client.talk.open(ben.id)
const heard: string[] = []
const states: string[] = []
ben.client.on('message', ({ text }) => void heard.push(text ?? ''))
ben.client.on('state', ({ state }) => void states.push(state))
await Promise.all([ada.client.connect(), ben.client.connect()])
const messages = `/api/v1/conversations/${conversationId}/messages`

/** Sends by REST and by socket, each of which must be taken at once, and answers the texts. */
const sendBoth = async (name: string): Promise<string[]> => {
  const session = await ada.client.account.session()
  const texts = Array.from({ length: 5 }, (_, count) => `${name} ${count}`)
  for (const text of texts)
    expect((await call(url, 'POST', messages, session?.accessToken, { text })).status).toBe(201)
  const bySocket = `${name} by socket`
  await ada.client.send(conversationId, bySocket)
  return [...texts, bySocket]
}

test('every operation has its good request here', () => {
  expect(Object.keys(well).sort()).toEqual(operations.map(({ id }) => id).sort())
  const refused = Object.entries(well).filter(([, status]) => status >= 300)
  // An unguessable secret that is none, a device that is none.
  expect(refused.map(([id]) => id).sort()).toEqual(
    ['connect', 'getErasure', 'logoutDevice', 'resetPassword', 'verifyEmail'].sort(),
  )
})

/** Waits until all is well and stays so: while the gateway's breaker recovers (3 s), it lets only some requests through. */
async function untilWell(requests: Awaited<ReturnType<typeof prepareRequests>>) {
  for (let rounds = 0; rounds < 8; await Bun.sleep(500)) {
    const answers = await askAll(requests, () => url, needyOperations)
    rounds = answers.every(({ id, status }) => status === well[id]) ? rounds + 1 : 0
  }
}

/** Breaks a part; the answer mends it. */
const ways: Record<string, (part: string) => Promise<AsyncDisposable>> = {
  'is dead': (part) => holdDown(plaza, part),
  hangs: (part) => holdStill(plaza, part),
}

for (const [how, breakPart] of Object.entries(ways))
  test(`while Redis ${how} nobody gets a 500, sockets stay open, and what needs no Redis works`, async () => {
    const requests = await prepareRequests(url, boss)
    states.length = 0
    const sent: string[] = []
    {
      await using _broken = await breakPart('redis')
      const answers = await askAll(requests, () => url)
      const without = (answer: Answered) => ofRedis.includes(answer.id) && isUnavailable(answer)
      expect(answers.filter((one) => one.status !== well[one.id] && !without(one))).toEqual([])
      expect(answers.filter(without).length).toBeGreaterThan(0)
      // The gateway makes a 503 of a 500; a service must not need that.
      const past = await askAll(requests, placeOf, needyOperations)
      expect(past.filter((one) => one.status !== well[one.id] && !without(one))).toEqual([])
      sent.push(...(await sendBoth(`without Redis that ${how}`)))
      expect(states).toEqual([])
    }
    await eventually(() => expect(heard).toEqual(expect.arrayContaining(sent)))
    await untilWell(requests)
  })

for (const [how, breakPart] of Object.entries(ways))
  test(`while NATS ${how} sends are still taken, everything else works, and it all arrives`, async () => {
    const requests = await prepareRequests(url, boss)
    states.length = 0
    const sent: string[] = []
    {
      await using _broken = await breakPart('nats')
      sent.push(...(await sendBoth(`without NATS that ${how}`)))
      const answers = await askAll(requests, () => url)
      expect(answers.filter(({ id, status }) => status !== well[id])).toEqual([])
      expect(states).toEqual([])
    }
    await eventually(() => expect(heard).toEqual(expect.arrayContaining(sent)))
  })

test('while Postgres is dead nobody gets a 500, and afterwards everything works', async () => {
  const requests = await prepareRequests(url, boss)
  await plaza.kill('postgres')
  const answers = await askAll(requests, () => url)
  expect(answers.filter((answer) => answer.status >= 500 && !isUnavailable(answer))).toEqual([])
  expect(answers.filter(isUnavailable).length).toBeGreaterThan(0)
  await eventually(async () => expect(statusesOf(await ask())).toEqual(well))
})

test('nobody heard anything twice, and nothing unexpected happened', async () => {
  expect(heard.length).toBe(new Set(heard).size)
  expect(await unexpectedErrors(instances.map(({ url }) => Number(new URL(url).port)))).toBe(0)
})
