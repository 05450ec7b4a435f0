import { type Message, PlazaClient } from '@plaza/client'
import { type Someone, someoneNew } from '../people.ts'
import { listen, type Witness } from './witness.ts'

/** Two people who write to each other: the one by socket, the other by REST. */
export type Pair = {
  conversationId: string
  bySocket: Someone
  byRest: Someone
  witnesses: Witness[]
  /** Everything that was acknowledged, as it was acknowledged last. */
  acknowledged: Map<string, Message>
}

/** Makes two people with their devices and their conversation. */
export async function newPair(url: string, number: number): Promise<Pair> {
  const [bySocket, byRest] = await Promise.all([
    someoneNew(url, `socket${number}`, { framesPerMinute: 1_000_000 }),
    someoneNew(url, `rest${number}`, { framesPerMinute: 0, fetch: losingAnswers }),
  ])
  const witnesses = [bySocket, byRest].map(({ client, username }) => listen(username, client))
  const { id } = await bySocket.client.talk.open(byRest.id)
  return { conversationId: id, bySocket, byRest, witnesses, acknowledged: new Map() }
}

/** Every tenth answer to a write is lost on the way, so that what was stored is sent once more. */
const losingAnswers = async (url: URL, init: RequestInit): Promise<Response> => {
  const answer = await fetch(url, init)
  const isWrite = init.method !== 'GET' && url.pathname.includes('/messages')
  if (isWrite && Math.random() < 0.1) throw new Error('the answer was lost')
  return answer
}

/** Adds a second device of the one who writes by socket. */
export async function anotherDevice(url: string, { bySocket, witnesses }: Pair): Promise<PlazaClient> {
  const client = new PlazaClient({ url })
  await client.account.logIn({ login: bySocket.username, password: bySocket.password })
  witnesses.push(listen(`${bySocket.username}'s second device`, client))
  return client
}
