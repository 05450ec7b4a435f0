import type { Session } from './session.ts'

/** So many are remembered; the event of an older one is shown like any other. */
const maxOwn = 64

/** Notes a message that the socket has just been answered with, so that its event need not be shown as well. */
export function noteOwn(session: Session, messageId: string): void {
  session.own ??= []
  if (session.own.push(messageId) > maxOwn) session.own.shift()
}

/** Whether an event tells the socket only what `sent` has told it. A new message's event has the message's id. */
export function takeOwn({ own }: Session, eventId: string): boolean {
  const index = own?.indexOf(eventId) ?? -1
  if (index < 0) return false
  own?.splice(index, 1)
  return true
}
