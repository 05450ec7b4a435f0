import { isPassing } from '@plaza/client'
import type { Someone } from '../people.ts'
import type { Pair } from './pair.ts'

const pauseMs = 25

/** Writes one message after the other, edits every fifth, and deletes every seventh. */
export function createWriter({ conversationId, acknowledged }: Pair, { client, username }: Someone) {
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

/** Writes, edits and deletes in a conversation, once. */
export async function whisperIn({ conversationId, byRest: { client }, acknowledged }: Pair): Promise<void> {
  const write = (text: string) => {
    const key = crypto.randomUUID()
    return insist(() => client.send(conversationId, text, key))
  }
  const [kept, removed] = [await write('to be edited'), await write('to be deleted')]
  const edited = await insist(() => client.talk.edit(kept.id, 'has been edited'))
  await insist(() => client.talk.remove(removed.id))
  acknowledged.set(kept.id, edited).set(removed.id, { ...removed, text: null })
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
