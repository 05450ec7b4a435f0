import type { Nats } from '@plaza/kit/nats'
import { readWakeUps, type WakeUp, wakeUpSubject } from '@plaza/relay/mailbox'
import { pushEphemeral } from './push.ts'
import { eventFrame, type Reader } from './reader.ts'
import type { Sessions } from './sessions.ts'

type Options = { nats: Nats; node: string; sessions: Sessions; reader: Reader }

const ephemeralSubject = (node: string) => `eph.${node}`

/** Shows what was just appended to mailboxes at the sockets that are up to date; the others read on by themselves. */
export function showWakeUps(
  { sessions, reader }: Pick<Options, 'sessions' | 'reader'>,
  wakeUps: Iterable<WakeUp>,
) {
  for (const { userId, epoch, first, texts } of wakeUps) {
    const own = sessions.of(userId)
    if (own.length === 0) continue
    const frames = texts.map((text, index) => ({
      id: eventIdOf(text),
      text: eventFrame(epoch, first + index, text),
    }))
    for (const session of own) {
      const show = () => {
        for (const [index, frame] of frames.entries()) reader.live(session, epoch, first + index, frame)
      }
      // Several frames leave in one write.
      if (frames.length > 1 && session.socket) session.socket.cork(show)
      else show()
    }
  }
}

/** The id of an event in JSON: the first of all ids in it. */
const eventIdOf = (text: string): string => {
  const at = text.indexOf('"id":"') + 6
  return text.slice(at, at + 36)
}

/**
 * Takes in what is meant for this node's sockets: one subject for the node, not one for each user. Relay
 * learns from the registry in Redis, in the very step that appends, at which nodes a recipient is.
 */
export function followNode(options: Options): () => void {
  const { nats, node, sessions } = options
  const live = nats.connection.subscribe(wakeUpSubject(node), {
    callback(error, message) {
      if (!error) showWakeUps(options, readWakeUps(message.string()))
    },
  })
  const ephemeral = nats.connection.subscribe(ephemeralSubject(node), {
    callback(error, message) {
      if (error) return
      const payload = message.string()
      const lineEnd = payload.indexOf('\n')
      const text = payload.slice(lineEnd + 1)
      for (const userId of payload.slice(0, lineEnd).split(','))
        for (const session of sessions.of(userId)) pushEphemeral(session, text)
    },
  })
  return () => {
    live.unsubscribe()
    ephemeral.unsubscribe()
  }
}

/** Shows a frame to users at their nodes, if they are there and have time for it. */
export function publishEphemeral(
  nats: Nats,
  nodes: ReadonlyMap<string, readonly string[]>,
  text: string,
): void {
  const users = new Map<string, string[]>()
  for (const [userId, at] of nodes)
    for (const node of at) users.set(node, [...(users.get(node) ?? []), userId])
  for (const [node, userIds] of users)
    nats.connection.publish(ephemeralSubject(node), `${userIds.join(',')}\n${text}`)
}
