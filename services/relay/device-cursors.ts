import type { Sql } from '@plaza/kit/sql'
import type { Cursor } from './mailbox.ts'

export type Acknowledgement = Cursor & { sessionId: string; userId: string }

/** Notes how far devices have come; within an epoch only forward. An erased user's are passed over. */
export async function noteAcknowledgements(
  sql: Sql,
  acknowledgements: readonly Acknowledgement[],
): Promise<void> {
  const newest = new Map(acknowledgements.map((one) => [one.sessionId, one]))
  const rows = [...newest.values()].sort((a, b) => (a.sessionId < b.sessionId ? -1 : 1))
  await sql`
    insert into device_cursors (session_id, user_id, epoch, n)
    select session_id, user_id, epoch, n
    from unnest(
      ${rows.map((row) => row.sessionId)}::uuid[],
      ${rows.map((row) => row.userId)}::uuid[],
      ${rows.map((row) => row.epoch)}::text[],
      ${rows.map((row) => row.n)}::bigint[]
    ) as given (session_id, user_id, epoch, n)
    where not exists (select from tombstones where tombstones.user_id = given.user_id)
    on conflict (session_id) do update
    set epoch = excluded.epoch,
      n = case
        when device_cursors.epoch = excluded.epoch then greatest(device_cursors.n, excluded.n)
        else excluded.n
      end,
      updated_at = now()
    where device_cursors.user_id = excluded.user_id`
}

/** How far a session's device said it had come. */
export async function readAcknowledged(sql: Sql, sessionId: string): Promise<Cursor | undefined> {
  const [row] = await sql<Cursor[]>`
    select epoch, n
    from device_cursors
    where session_id = ${sessionId}`
  return row
}
