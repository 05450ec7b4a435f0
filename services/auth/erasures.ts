import { every } from '@plaza/kit/every'
import type { Log } from '@plaza/kit/log'
import { type Outbox, storeRows, toRow } from '@plaza/kit/outbox'
import type { Transaction } from '@plaza/kit/sql'
import type { Change } from './change.ts'
import type { Config } from './config.ts'
import { userDeleted, userErased } from './events.ts'

/** Begins the erasure of an account that has just become a tombstone. The id is random, for it is all that is asked to see the progress. */
export async function beginErasure(
  { tx, emit }: Change,
  { userId, deletedAt }: { userId: string; deletedAt: Date },
): Promise<string> {
  const erasureId = crypto.randomUUID()
  await tx`insert into erasures (id, user_id) values (${erasureId}, ${userId})`
  await tx`delete from mails where user_id = ${userId}`
  await tx`delete from one_time_tokens where user_id = ${userId}`
  const data = { userId, deletedAt: deletedAt.toISOString() }
  emit(userDeleted.emit({ subject: userId, actor: userId, data }))
  return erasureId
}

/** Notes that a service holds nothing more of a user, and ends the account when it was the last to say so. */
export async function noteReceipt(
  tx: Transaction,
  { userId, service, services }: { userId: string; service: string; services: readonly string[] },
): Promise<void> {
  // The lock makes receipts take turns: the last one sees all others.
  const [running] = await tx`
    select id
    from erasures
    where user_id = ${userId} and finished_at is null
    for update`
  if (!running) return
  await tx`
    insert into erasure_receipts (user_id, service)
    values (${userId}, ${service})
    on conflict do nothing`
  await endAccountIfErased(tx, userId, services)
}

/**
 * Empties the account once every receipt is in; answers whether it is. The address becomes free. The name
 * does not: its hash stays, so that nobody can pose as someone who left.
 */
async function endAccountIfErased(
  tx: Transaction,
  userId: string,
  services: readonly string[],
): Promise<boolean> {
  const receipts = await tx<{ service: string }[]>`
    select service
    from erasure_receipts
    where user_id = ${userId}`
  const received = new Set(receipts.map(({ service }) => service))
  if (!services.every((service) => received.has(service))) return false
  await tx`delete from sessions where user_id = ${userId}`
  await tx`
    update users
    set username = null, email = null, email_key = null, email_verified_at = null,
      password_hash = null, ban_reason = null
    where id = ${userId}`
  await tx`update erasures set finished_at = now() where user_id = ${userId}`
  const data = { userId, erasedAt: new Date().toISOString() }
  await storeRows(tx, [toRow(userErased.emit({ subject: userId, data }))])
  return true
}

type Options = { outbox: Outbox; log: Log; config: Config }

/** How many times ERASURE_NUDGE_SECONDS lie before the first question, the next ones, and every one after these. */
const patience = [1, 5, 30, 60]

/**
 * Asks again where receipts are missing: a new event, since the old one may have been taken and its receipt
 * lost. It is asked less and less often, for every service that takes the event erases anew.
 */
export function nudgeErasures({ outbox, log, config }: Options): () => Promise<void> {
  const { ERASURE_NUDGE_SECONDS: seconds, ERASING_SERVICES: services } = config
  return every(Math.min(seconds * 1_000, 10_000), log, () =>
    outbox.transaction(async (tx, emit) => {
      const late = await tx<{ userId: string; startedAt: Date }[]>`
        with late as materialized (
          select id
          from erasures
          where finished_at is null and nudged_at < now()
            - make_interval(secs => ${seconds} * (${patience}::int[])[least(nudges + 1, ${patience.length})])
          order by nudged_at
          limit 100
          for update skip locked
        )
        update erasures
        set nudged_at = now(), nudges = nudges + 1
        from late
        where erasures.id = late.id
        returning user_id, started_at`
      for (const { userId, startedAt } of late) {
        if (await endAccountIfErased(tx, userId, services)) continue
        log.info({ userId }, 'an erasure waits for receipts: asking again')
        emit(userDeleted.emit({ subject: userId, data: { userId, deletedAt: startedAt.toISOString() } }))
      }
    }),
  )
}
