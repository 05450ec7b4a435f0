import { startPlaza } from '@plaza/tests/plaza'
import { eachOf } from './socket.ts'

/** A person of the benchmark, registered as anybody is. */
export type Person = { id: string; username: string; token: string }
export type Pair = { sender: Person; receiver: Person; conversationId: string }

export type World = Awaited<ReturnType<typeof createWorld>>

/** What one person may do is not what is measured here; the gateway's limits are out of the way in any case. */
const budgets = {
  SESSION_LIMIT: '1000',
  WEBSOCKET_FRAMES_PER_MINUTE: '1000000',
  WEBSOCKET_FRAMES_BURST: '1000000',
  WEBSOCKET_BYTES_PER_MINUTE: '1000000000',
  WEBSOCKET_BYTES_BURST: '1000000000',
}

const password = 'a long enough benchmark password 7'

/** A whole Plaza whose limits are out of the way, with people in pairs who have a conversation each. */
export async function createWorld(pairCount: number) {
  const plaza = await startPlaza({ env: budgets })
  const call = async <T>(path: string, body: unknown, token?: string): Promise<T> => {
    const answer = await fetch(plaza.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}) },
      body: JSON.stringify(body),
    })
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
    return (await answer.json()) as T
  }
  const register = async (): Promise<Person> => {
    const username = `b${crypto.randomUUID().replaceAll('-', '').slice(0, 20)}`
    const session = await call<{ user: { id: string }; accessToken: string }>('/api/v1/auth/register', {
      username,
      email: `${username}@example.org`,
      password,
    })
    return { id: session.user.id, username, token: session.accessToken }
  }
  const pairs: Pair[] = []
  await eachOf(Array.from({ length: pairCount }), 8, async () => {
    const [sender, receiver] = [await register(), await register()]
    const conversation = await call<{ id: string }>(
      '/api/v1/conversations',
      { userId: receiver.id },
      sender.token,
    )
    pairs.push({ sender, receiver, conversationId: conversation.id })
  })
  return {
    plaza,
    pairs,
    password,
    /** The address of a socket of the person's, with a fresh ticket. */
    async socketUrl(person: Person, base = plaza.url): Promise<string> {
      const { ticket } = await call<{ ticket: string }>('/api/v1/ws/ticket', {}, person.token)
      return `${base.replace('http', 'ws')}/api/v1/ws?ticket=${ticket}`
    },
  }
}
