/** Mailboxes can neither be written nor read now: Redis is away, full, or not looked at since it came up. */
export class MailboxesAway extends Error {
  override name = 'MailboxesAway'

  constructor(message: string, cause?: unknown) {
    super(message, { cause })
  }
}
