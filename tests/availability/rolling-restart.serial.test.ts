import { afterAll, expect, test } from 'bun:test'
import { PlazaClient } from '@plaza/client'
import { servicePorts } from '@plaza/kit/ports'
import { eventually } from '@plaza/kit/testing'
import { instancesOf } from '../instances.ts'
import { unexpectedErrors } from '../people.ts'
import { startPlaza } from '../plaza.ts'
import { logIn, register } from '../trust/_people.ts'
import { startTraffic } from './_traffic.ts'

const names = Object.keys(servicePorts)
const plaza = await startPlaza({
  each: true,
  scale: Object.fromEntries(names.map((name) => [name, 2])),
  env: { WEBSOCKET_RESUME_SECONDS: '1' },
})
const { url } = plaza
const ada = await register(url)
const ben = await register(url)
const device = async ({ username, password }: typeof ada) => {
  const client = new PlazaClient({ url })
  await client.account.logIn({ login: username, password })
  return client
}

const [adas, bens] = [await device(ada), await device(ben)]
const conversation = await adas.talk.open(ben.id)
const heard: string[] = []
bens.on('message', ({ text }) => void heard.push(text ?? ''))
await Promise.all([adas.connect(), bens.connect()])

const traffic = startTraffic(url, await logIn(url, ada), ben, conversation.id)
const bySocket: string[] = []
const lost: unknown[] = []
let talking = true
const talk = (async () => {
  while (talking) {
    const text = `by socket ${crypto.randomUUID()}`
    await adas.send(conversation.id, text).then(
      () => bySocket.push(text),
      (error) => lost.push(error),
    )
    await Bun.sleep(20)
  }
})()
afterAll(async () => {
  talking = false
  await Promise.all([traffic.stop(), talk])
  await Promise.all([adas.close(), bens.close()])
  await plaza.stop()
})

const pids = async () => {
  const { services } = await plaza.run()
  return new Map(services.map(({ name, pid }) => [name, pid]))
}

for (const name of names)
  test(`a rolling restart of ${name} under load fails not one request`, async () => {
    await traffic.go(3)
    const before = await pids()
    await plaza.restart(name)
    const after = await pids()
    for (const [process, pid] of before) {
      const isMeant = process.startsWith(`${name}-`)
      expect([process, after.get(process) !== pid]).toEqual([process, isMeant])
    }
    await traffic.go(3)
    expect(traffic.failures).toEqual([])
    expect(lost).toEqual([])
  })

test('who was told to resume elsewhere has missed nothing, and heard nothing twice', async () => {
  talking = false
  await Promise.all([traffic.stop(), talk])
  const all = [...traffic.sent, ...bySocket].sort()
  expect(bySocket.length).toBeGreaterThan(10)
  await eventually(() => expect(heard.toSorted()).toEqual(all))
})

test('nothing unexpected happened', async () => {
  const instances = await instancesOf(plaza)
  expect(await unexpectedErrors(instances.map(({ url }) => Number(new URL(url).port)))).toBe(0)
})
