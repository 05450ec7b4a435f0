/**
 * What relay tells a node of sockets at once, on core NATS: frames that were just appended to mailboxes.
 * It may be lost; each run of frames says where it stands, so that a hole is noticed and read from the mailbox.
 */
export type WakeUp = {
  userId: string
  epoch: string
  /** The place of the first text; its predecessor is one less. */
  first: number
  /** The events' JSON, one place after the other. */
  texts: string[]
}

export const wakeUpSubject = (node: string): string => `rt.${node}`

/** Tells every node that mailboxes have begun anew; the payload is the generation. */
export const generationSubject = 'rt.all'

/** One record: a line with user, epoch, first place and the texts' lengths, then the texts. */
export const writeWakeUp = ({ userId, epoch, first, texts }: WakeUp): string =>
  `${userId} ${epoch} ${first} ${texts.map((text) => text.length).join(' ')}\n${texts.join('')}`

export function* readWakeUps(payload: string): Generator<WakeUp> {
  for (let at = 0; at < payload.length; ) {
    const lineEnd = payload.indexOf('\n', at)
    const [userId = '', epoch = '', first, ...lengths] = payload.slice(at, lineEnd).split(' ')
    at = lineEnd + 1
    const texts = lengths.map((length) => {
      const text = payload.slice(at, at + Number(length))
      at += text.length
      return text
    })
    yield { userId, epoch, first: Number(first), texts }
  }
}
