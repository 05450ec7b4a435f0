import { expect, test } from 'bun:test'
import { clientOf, eventually, scriptServer } from './testing.ts'

const people = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => `u${from + index}`)

test('more people than a socket may watch are refused, and those watched before stay so', async () => {
  const server = scriptServer()
  const { script } = server
  const client = await clientOf(server)
  await client.connect()
  client.watch([...people(0, 150), ...people(0, 150)])
  expect(() => client.watch(people(100, 201))).toThrow(
    expect.objectContaining({ code: 'limited', reason: 'too_many_watched' }),
  )
  client.unwatch(people(0, 500))
  client.unwatch(['u0'])
  client.watch([])
  client.watch(people(1, 201))
  const said = () => script.frames.slice(1)
  await eventually(() => expect(said()).toHaveLength(3))
  expect(said()).toEqual([
    { type: 'watch', userIds: people(0, 150) },
    { type: 'unwatch', userIds: people(0, 150) },
    { type: 'watch', userIds: people(1, 201) },
  ])
  script.sockets[0]?.close(1011)
  await eventually(() => expect(said().slice(3)).toHaveLength(2))
  expect(said().at(-1)).toEqual({ type: 'watch', userIds: people(1, 201) })
})
