import { countRows, serviceGauge } from '@plaza/kit/gauges'
import { newId } from '@plaza/kit/id'
import type { Log } from '@plaza/kit/log'
import { isConnectionError, type Sql, type Transaction } from '@plaza/kit/sql'
import type { Config } from './config.ts'
import type { MailTransport } from './mail-transport.ts'
import { issueOneTimeToken, type Purpose } from './one-time-tokens.ts'

export type MailQueue = {
  /** Sends what is due at once rather than at the next look; call it after the commit. */
  poke(): void
  stop(): Promise<void>
}

/** `email` is an e-mail key; a request for a new password is queued whether somebody has the address or not. */
type Queued =
  | { kind: 'verify_email' | 'password_changed'; userId: string }
  | { kind: 'reset_password'; email: string }

type Options = { sql: Sql; log: Log; config: Config; send: MailTransport; pauseMs?: number }
type Due = {
  id: string
  kind: Queued['kind']
  userId: string | null
  emailKey: string | null
  attempts: number
}
type Person = { id: string; email: string; emailKey: string }

/** A mail that nobody takes for about three days is given up. */
const maxAttempts = 80
const claimRows = 20

/** How many mails are queued, those that were tried in vain among them. Should fall back to about 0. */
const mailsWaiting = serviceGauge(
  'mails_waiting',
  'Mails in the queue that have not been sent; 10001 means more than 10000',
)

/** Puts a mail in the queue, in the transaction of what it tells of. */
export async function queueMail(tx: Sql | Transaction, mail: Queued): Promise<void> {
  const userId = 'userId' in mail ? mail.userId : null
  const email = 'email' in mail ? mail.email : null
  await tx`
    insert into mails (id, kind, user_id, email_key)
    values (${newId()}, ${mail.kind}, ${userId}, ${email})`
}

/**
 * Sends queued mails. Links are made when a mail is sent, so the queue holds no secret. Claiming a mail
 * sets its next attempt, so a crash or a refusal means that it is tried again, by any instance.
 */
export function startMailQueue({ sql, log, config, send, pauseMs = 1_000 }: Options): MailQueue {
  const deliver = async (due: Due) => {
    try {
      const mail = await compose(sql, config, due)
      if (mail) await send({ id: due.id, ...mail })
      await sql`delete from mails where id = ${due.id}`
    } catch (error) {
      log.warn({ err: error, mail: due.id, kind: due.kind, attempts: due.attempts }, 'mail not sent')
      if (due.attempts < maxAttempts) return
      log.error({ mail: due.id, kind: due.kind }, 'mail given up')
      await sql`delete from mails where id = ${due.id}`
    }
  }
  const sendDue = async () => {
    for (;;) {
      const due = await claim(sql)
      await Promise.all(due.map(deliver))
      if (due.length < claimRows) return
    }
  }
  const stopCounting = mailsWaiting('auth', () => countRows(sql, sql`select from mails`))
  let wake = Promise.withResolvers<void>()
  let stopping = false
  const running = (async () => {
    while (!stopping) {
      await sendDue().catch((error) => {
        if (!isConnectionError(error)) log.error({ err: error }, 'the mail queue cannot be read')
      })
      await Promise.race([Bun.sleep(pauseMs), wake.promise])
      wake = Promise.withResolvers()
    }
  })()
  return {
    poke: () => wake.resolve(),
    async stop() {
      stopping = true
      stopCounting()
      wake.resolve()
      await running
    },
  }
}

/** Takes mails that are due; the pause before the next attempt doubles up to an hour. */
const claim = (sql: Sql) => sql<Due[]>`
  with due as materialized (
    select id
    from mails
    where next_attempt_at <= now()
    order by next_attempt_at
    limit ${claimRows}
    for update skip locked
  )
  update mails
  set attempts = attempts + 1,
    next_attempt_at = now() + make_interval(secs => least(30 * 2 ^ least(attempts, 10), 3600))
  from due
  where mails.id = due.id
  returning mails.id, kind, user_id, email_key, attempts`

async function compose(sql: Sql, config: Config, due: Due) {
  const [person] = await sql<Person[]>`
    select id, email, email_key
    from users
    where deleted_at is null and (id = ${due.userId} or email_key = ${due.emailKey})`
  if (!person) return undefined
  const link = async (purpose: Purpose, path: string, lifeSeconds: number) => {
    const token = await issueOneTimeToken(sql, {
      userId: person.id,
      emailKey: person.emailKey,
      purpose,
      lifeSeconds,
    })
    // What follows # stays in the browser: it reaches no log and no referrer.
    return new URL(`${path}#token=${token}`, config.APP_URL).href
  }
  // No name: whoever registers with another's address chooses it, and it may read as a link.
  const texts = {
    verify_email: async () => ({
      subject: 'Confirm your e-mail address',
      text: `Hello,\n\nopen this link to confirm that this address is yours:\n\n${await link('verify_email', '/verify-email', config.VERIFY_EMAIL_SECONDS)}\n\nIf you did not sign up, ignore this mail.\n`,
    }),
    reset_password: async () => ({
      subject: 'Choose a new password',
      text: `Hello,\n\nopen this link to choose a new password:\n\n${await link('reset_password', '/reset-password', config.RESET_PASSWORD_SECONDS)}\n\nIt works once. If you did not ask for it, ignore this mail: nothing has changed.\n`,
    }),
    password_changed: async () => ({
      subject: 'Your password was changed',
      text: `Hello,\n\nyour password was changed and your other devices were logged out.\n\nIf that was not you, choose a new password at once: ${new URL('/forgot-password', config.APP_URL)}\n`,
    }),
  }
  return { to: person.email, ...(await texts[due.kind]()) }
}
