import { isPassing, type Message, PlazaClient } from '@plaza/client'
import { eventually, type Someone, someoneNew } from '../people.ts'
import { listen, type Witness } from './witness.ts'

/** Two people who write to each other: the one by socket, the other by REST. */
type Pair = {
  conversationId: string
  bySocket: Someone
  byRest: Someone
  witnesses: Witness[]
  /** Everything that was acknowledged, as it was acknowledged last. */
  acknowledged: Map<string, Message>
}

export type Traffic = {
  pairs: readonly Pair[]
  /** Somebody who writes to nobody, is away between `leave` and `verify`, and whose device kept its place. */
  absent: Someone
  leave(): Promise<void>
  /** Resolves when every writer has had so many more messages acknowledged. */
  flow(messages: number): Promise<void>
  /**
   * Has everybody finish, and brings the absent one back. Throws unless all that was acknowledged is in the
   * history once, and every device was told all of it once and in order, as it is after edits and deletions.
   */
  verify(): Promise<void>
  stop(): Promise<void>
}

/** What lets clients send as much as they like by socket; for `startPlaza`. */
export const withoutBudgets = {
  FRAMES_PER_MINUTE: '1000000',
  FRAMES_BURST: '1000000',
  BYTES_PER_MINUTE: '1000000000',
  BYTES_BURST: '1000000000',
}

const pauseMs = 25
/** An event that a killed relay had taken comes again after 30 s; a mailbox is compared every 20 s. */
const settleMs = 90_000

/** Has people write to each other without end. Only the absent one does not write. */
export async function startTraffic(url: string): Promise<Traffic> {
  const pairs = await Promise.all([1, 2, 3].map((number) => newPair(url, number)))
  const [first, second, third] = pairs
  if (!first || !second || !third) throw new Error('three pairs are wanted')
  const absent = third.byRest
  const secondDevice = await anotherDevice(url, second)
  const devices = [...pairs.flatMap(({ bySocket, byRest }) => [bySocket.client, byRest.client]), secondDevice]
  await Promise.all(devices.map((client) => client.connect()))

  const writers = pairs.flatMap((pair) => {
    const people = [pair.bySocket, pair.byRest].filter((person) => person !== absent)
    return people.map((person) => createWriter(pair, person))
  })
  const resume = () => {
    for (const writer of writers) writer.start()
  }
  const failed = Promise.race(writers.map((writer) => writer.failed))
  failed.catch(() => undefined)
  return {
    pairs,
    absent,
    leave: () => absent.client.disconnect(),
    async flow(messages) {
      resume()
      await Promise.race([failed, Promise.all(writers.map((writer) => writer.more(messages)))])
    },
    async verify() {
      await Promise.race([failed, Promise.all(writers.map((writer) => writer.pause()))])
      await absent.client.connect()
      for (const pair of pairs) await verifyPair(pair)
    },
    async stop() {
      await Promise.all(devices.map((client) => client.close()))
      for (const writer of writers) writer.end()
    },
  }
}

async function newPair(url: string, number: number): Promise<Pair> {
  const [bySocket, byRest] = await Promise.all([
    someoneNew(url, `socket${number}`, { framesPerMinute: 1_000_000 }),
    someoneNew(url, `rest${number}`, { framesPerMinute: 0 }),
  ])
  const witnesses = [bySocket, byRest].map(({ client, username }) => listen(username, client))
  const { id } = await bySocket.client.talk.open(byRest.id)
  return { conversationId: id, bySocket, byRest, witnesses, acknowledged: new Map() }
}

async function anotherDevice(url: string, { bySocket, witnesses }: Pair): Promise<PlazaClient> {
  const client = new PlazaClient({ url })
  await client.account.logIn({ login: bySocket.username, password: bySocket.password })
  witnesses.push(listen(`${bySocket.username}'s second device`, client))
  return client
}

/** Writes one message after the other, edits every fifth, and deletes every seventh. */
function createWriter({ conversationId, acknowledged }: Pair, { client, username }: Someone) {
  let wanted = false
  let ended = false
  let running: Promise<void> | undefined
  let written = 0
  const failure = Promise.withResolvers<never>()
  failure.promise.catch(() => undefined)

  const write = async () => {
    const key = crypto.randomUUID()
    const text = `${username} says ${written}`
    const sent = await insist(() => client.send(conversationId, text, key))
    if (sent.text !== text) throw new Error(`"${text}" was acknowledged as "${sent.text}"`)
    acknowledged.set(sent.id, sent)
    written += 1
    if (written % 5 === 0) {
      const edited = await insist(() => client.talk.edit(sent.id, `${text}, edited`))
      acknowledged.set(sent.id, edited)
    }
    if (written % 7 === 0) {
      await insist(() => client.talk.remove(sent.id))
      acknowledged.set(sent.id, { ...sent, text: null })
    }
  }
  const run = async () => {
    while (wanted && !ended) {
      await write()
      await Bun.sleep(pauseMs)
    }
  }
  return {
    /** Rejects when something is refused that should not be. */
    failed: failure.promise,
    start() {
      wanted = true
      running ??= run()
        .catch((error) => failure.reject(error))
        .finally(() => {
          running = undefined
        })
    },
    async more(messages: number) {
      const goal = written + messages
      while (written < goal && !ended) await Bun.sleep(20)
    },
    async pause() {
      wanted = false
      await running
    },
    end() {
      ended = true
    },
  }
}

/** Repeats what a passing failure kept from being acknowledged, however long that lasts; any other is thrown. */
export async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isPassing(error)) throw error
      await Bun.sleep(100)
    }
  }
}

async function verifyPair({ conversationId, bySocket, witnesses, acknowledged }: Pair): Promise<void> {
  const history = await insist(() => readHistory(bySocket, conversationId))
  checkHistory(history, acknowledged)
  await eventually(() => {
    const behind = witnesses.filter((witness) => !witness.knows(history))
    if (behind.length > 0) throw new Error(behind.map((witness) => witness.behind(history)).join('; '))
  }, settleMs)
  for (const witness of witnesses) witness.check(history)
}

async function readHistory({ client }: Someone, conversationId: string): Promise<Message[]> {
  const messages: Message[] = []
  for (let after: number | null = 0; after !== null; ) {
    const page = await client.talk.history(conversationId, { after, limit: 100 })
    messages.push(...page.items)
    after = page.after
  }
  return messages
}

/** Writers insist until they have their answer, so what is stored is exactly what was acknowledged. */
function checkHistory(history: readonly Message[], acknowledged: ReadonlyMap<string, Message>): void {
  const stored = new Map(history.map((message) => [message.id, message]))
  for (const { id, seq, text } of acknowledged.values()) {
    const kept = stored.get(id)
    if (kept?.seq !== seq || kept.text !== text)
      throw new Error(`"${text}" was acknowledged as ${seq}, the history holds ${kept?.seq} "${kept?.text}"`)
  }
  if (history.length !== acknowledged.size)
    throw new Error(`${acknowledged.size} were acknowledged, the history holds ${history.length}`)
  const holes = history.filter(({ seq }, index) => seq !== index + 1)
  if (holes.length > 0) throw new Error(`the history goes from ${(holes[0]?.seq ?? 0) - 1} on with a hole`)
}
