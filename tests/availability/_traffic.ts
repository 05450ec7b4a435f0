import { call, logIn, type Person } from '../trust/_people.ts'
import { openSocket } from '../trust/_socket.ts'

/** Steady traffic of many kinds, each request made once: whatever fails is told. */
export type Traffic = {
  /** How many requests of each kind were answered well. */
  done: Record<string, number>
  failures: string[]
  /** The texts of messages that were answered 201. */
  sent: string[]
  /** Waits until each kind has been answered well so many times more. */
  go(times: number): Promise<void>
  stop(): Promise<void>
}

type Step = () => Promise<void>

/** Starts the traffic of two people in one conversation, through the gateway. */
export function startTraffic(url: string, ada: Person, ben: Person, conversationId: string): Traffic {
  const done: Record<string, number> = {}
  const failures: string[] = []
  const sent: string[] = []
  let going = true

  const ask = async (
    what: string,
    wanted: number,
    [method, path, body]: [string, string, unknown?],
    token = ada.accessToken,
  ) => {
    const answer = await call(url, method, path, token, body)
    const text = await answer.text()
    if (answer.status !== wanted) throw new Error(`${answer.status} ${text}`)
    done[what] = (done[what] ?? 0) + 1
  }
  const messages = `/api/v1/conversations/${conversationId}/messages`
  const steps: Record<string, Step> = {
    me: () => ask('me', 200, ['GET', '/api/v1/auth/me']),
    profile: () => ask('profile', 200, ['GET', `/api/v1/users/${ben.id}/profile`]),
    history: () => ask('history', 200, ['GET', messages]),
    queue: () => ask('queue', 200, ['GET', '/api/v1/queue?limit=1']),
    send: async () => {
      const text = `message ${crypto.randomUUID()}`
      await ask('send', 201, ['POST', messages, { text }])
      sent.push(text)
    },
    open: () => ask('open', 200, ['POST', '/api/v1/conversations', { userId: ben.id }]),
    privacy: () =>
      ask('privacy', 200, [
        'PUT',
        '/api/v1/me/privacy',
        {
          whoMayWrite: 'everyone',
          whoSeesPresence: 'everyone',
          sendDeliveryReceipts: true,
          sendReadReceipts: true,
        },
      ]),
    login: async () => {
      const { accessToken } = await logIn(url, ben)
      await ask('login', 204, ['POST', '/api/v1/auth/logout'], accessToken)
    },
    socket: async () => {
      const socket = await openSocket(url, ada.accessToken)
      socket.close()
      done.socket = (done.socket ?? 0) + 1
    },
  }
  const repeat = async ([what, step]: [string, Step]) => {
    while (going) {
      await step().catch((error) => failures.push(`${new Date().toISOString()} ${what}: ${error}`))
      await Bun.sleep(40)
    }
  }
  const running = Object.entries(steps).map(repeat)

  return {
    done,
    failures,
    sent,
    async go(times) {
      const goals = Object.keys(steps).map((what) => ({ what, count: (done[what] ?? 0) + times }))
      while (goals.some(({ what, count }) => (done[what] ?? 0) < count) && failures.length === 0)
        await Bun.sleep(20)
    },
    async stop() {
      going = false
      await Promise.all(running)
    },
  }
}
