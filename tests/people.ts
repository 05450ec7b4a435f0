import { type ClientOptions, PlazaClient } from '@plaza/client'

export type Someone = { client: PlazaClient; id: string; username: string; password: string }

const password = 'late otters juggle 7 plums'

/** Registers somebody new, with a client of their own. Close the client at the end. */
export async function someoneNew(
  url: string,
  name: string,
  options: Omit<ClientOptions, 'url'> = {},
): Promise<Someone> {
  const client = new PlazaClient({ ...options, url })
  const username = `${name}${Math.random().toString(36).slice(2, 10)}`
  const me = await client.account.register({ username, email: `${username}@example.org`, password })
  return { client, id: me.id, username, password }
}

/** All items of a list. */
export async function all<Item>(list: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = []
  for await (const item of list) items.push(item)
  return items
}

/** The bugs that the services of a Plaza have met so far: must be 0 at the end of each file. */
export async function unexpectedErrors(ports: readonly number[]): Promise<number> {
  const texts = await Promise.all(
    ports.map(async (port) => await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()),
  )
  const counts = texts.flatMap((text) => [...text.matchAll(/^unexpected_errors_total\{.*\} (\d+)/gm)])
  return counts.reduce((sum, [, count]) => sum + Number(count), 0)
}
