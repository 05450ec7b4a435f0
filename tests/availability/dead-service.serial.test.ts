import { afterAll, expect, test } from 'bun:test'
import { servicePorts } from '@plaza/kit/ports'
import { eventually } from '@plaza/kit/testing'
import { grantAdmin, instancesOf } from '../instances.ts'
import { unexpectedErrors } from '../people.ts'
import { startPlaza } from '../plaza.ts'
import { call, logIn, register } from '../trust/_people.ts'
import { openSocket } from '../trust/_socket.ts'
import { askAll, isUnavailable, operations, prepareRequests } from './_operations.ts'

const plaza = await startPlaza({
  each: true,
  env: { ANSWER_TIMEOUT: '1500ms', BREAKER_OPEN: '500ms', BREAKER_RECOVERY: '500ms' },
})
afterAll(() => plaza.stop())
const { url } = plaza
const instances = await instancesOf(plaza)
const placeOf = (service: string) => instances.find(({ name }) => name === service)?.url ?? ''

// The gateway waits for answers so shortly here that passwords are better hashed past it.
const ada = await register(placeOf('auth'))
await grantAdmin(plaza, ada.username)
const boss = await eventually(async () => {
  const admin = await logIn(placeOf('auth'), ada)
  expect((await call(url, 'GET', '/api/v1/admin/users', admin.accessToken)).status).toBe(200)
  return admin
})
const ben = await register(placeOf('auth'))

const probes: Record<string, [method: string, path: string]> = {
  auth: ['GET', '/api/v1/auth/me'],
  user: ['GET', '/api/v1/me/privacy'],
  message: ['GET', '/api/v1/conversations'],
  relay: ['GET', '/api/v1/queue'],
  websocket: ['POST', '/api/v1/ws/ticket'],
}
const names = Object.keys(servicePorts)
const worksAt = async (base: string, name: string): Promise<boolean> => {
  const [method, path] = probes[name] ?? []
  if (!method || !path) throw new Error(`${name} has no probe`)
  return (await call(base, method, path, ben.accessToken)).ok
}
/** A breaker that is about to close lets only some through, so once is not enough. */
const allWork = () =>
  eventually(async () => {
    for (let count = 0; count < 20; count += 1)
      for (const name of names) expect([name, await worksAt(url, name)]).toEqual([name, true])
  })

for (const name of names)
  test(`${name} dead: 503 for its operations, the others go on, sockets stay, and it comes back`, async () => {
    const requests = await prepareRequests(url, boss, placeOf('auth'))
    const socket = name === 'websocket' ? undefined : await openSocket(url, ben.accessToken)
    const own = operations.filter(({ service }) => service === name)
    await plaza.kill(`${name}-1`)
    const answers = await askAll(requests, () => url, own)
    // The gate is auth's own: with it away the others can be reached past the gateway only.
    const around = name === 'auth' ? placeOf : () => url
    const others = names.filter((other) => other !== name)
    const work = await Promise.all(others.map((other) => worksAt(around(other), other)))
    expect(answers.filter((answer) => answer.status >= 500 && !isUnavailable(answer))).toEqual([])
    expect(answers.filter(isUnavailable).length).toBeGreaterThan(0)
    expect(Object.fromEntries(others.map((other, at) => [other, work[at]]))).toEqual(
      Object.fromEntries(others.map((other) => [other, true])),
    )
    expect((await fetch(`${url}/docs`)).status).toBe(200)
    await allWork()
    expect(socket?.isOpen()).not.toBe(false)
    socket?.close()
  })

/** How many requests the gateway has passed on to a service so far. */
const passedOn = async (name: string): Promise<number> => {
  const { admin } = await plaza.run()
  const text = await (await fetch(`${admin}/metrics`)).text()
  const lines = text.matchAll(/^traefik_service_requests_total\{.*service="(\w+)@file"\} (\d+)/gm)
  return [...lines]
    .filter(([, service]) => service === name)
    .reduce((sum, [, , count]) => sum + Number(count), 0)
}

test("the gateway's breaker opens before a service that does not answer in time, tries again, and closes", async () => {
  const wanted = operations.filter(({ id }) => id === 'listQueue')
  const ask = async () => {
    const before = await passedOn('relay')
    const [answer] = await askAll({ listQueue: { as: ben } }, () => url, wanted)
    return { answer, isPassedOn: (await passedOn('relay')) > before }
  }
  const good = { answer: { status: 200 }, isPassedOn: true }
  expect(await ask()).toMatchObject(good)
  // Relay itself goes on and is found healthy, but waits for its store longer than the gateway waits for it.
  await plaza.kill('redis', 'SIGSTOP')
  const expectRefusal = async (isPassedOn: boolean) => {
    const asked = await ask()
    expect(asked.answer && isUnavailable(asked.answer)).toBe(true)
    expect(asked.isPassedOn).toBe(isPassedOn)
  }
  // Open, the gateway answers by itself; half open, one is let through; as that fails, it opens again.
  for (const isPassedOn of [true, false, true, false]) await eventually(() => expectRefusal(isPassedOn))
  expect(await worksAt(url, 'message')).toBe(true)
  await plaza.kill('redis', 'SIGCONT')
  await eventually(async () => {
    for (let count = 0; count < 10; count += 1) expect(await ask()).toMatchObject(good)
  })
})

test('every operation of a service that hangs is a 503, and the others work', async () => {
  const requests = await prepareRequests(url, boss, placeOf('auth'))
  await plaza.kill('user-1', 'SIGSTOP')
  const answers = await askAll(
    requests,
    () => url,
    operations.filter(({ service }) => service === 'user'),
  )
  expect(answers.filter((answer) => !isUnavailable(answer))).toEqual([])
  for (const name of names.filter((one) => one !== 'user'))
    expect([name, await worksAt(url, name)]).toEqual([name, true])
  await plaza.kill('user-1', 'SIGCONT')
  await allWork()
})

test('one service stops asking another that hangs, and asks again when it is back', async () => {
  const blocks = async (method: string) => {
    const path = `/api/v1/blocks/${boss.id}`
    const ask = () => call(placeOf('user'), method, path, ben.accessToken)
    const answers = await Promise.all(Array.from({ length: 4 }, ask))
    return new Set(answers.map(({ status }) => status))
  }
  const said = (what: string) => plaza.logs().split(`circuit ${what} peer=message`).length - 1
  const before = { opened: said('opened'), closed: said('closed') }
  await plaza.kill('message-1', 'SIGSTOP')
  await eventually(async () => {
    expect(await blocks('PUT')).toEqual(new Set([503]))
    expect(said('opened')).toBeGreaterThan(before.opened)
  })
  await plaza.kill('message-1', 'SIGCONT')
  await eventually(async () => {
    expect(await blocks('PUT')).toEqual(new Set([204]))
    expect(said('closed')).toBeGreaterThan(before.closed)
  })
  expect(await blocks('DELETE')).toEqual(new Set([204]))
  await allWork()
})

test('nothing unexpected happened', async () => {
  expect(await unexpectedErrors(instances.map(({ url }) => Number(new URL(url).port)))).toBe(0)
})
