import { Problem } from '@plaza/kit/problem'
import type { Sql } from '@plaza/kit/sql'
import { type PersonRow, toPerson } from './people.ts'
import type { Relation } from './relations.ts'
import type { Contact, ContactState } from './schema.ts'

/** A relation joined with the person it is about. */
export type ContactRow = PersonRow & { state: ContactState; version: number; changedAt: Date }

export const toContact = (row: ContactRow): Contact => ({
  person: toPerson(row),
  state: row.state,
  version: row.version,
  changedAt: row.changedAt.toISOString(),
})

/** The caller's view of one other person, as the answers of asking and accepting show it. */
export async function readContact(sql: Sql, { ownerId, otherId }: Relation): Promise<Contact> {
  const [row] = await sql<ContactRow[]>`
    select people.user_id, username, display_name, avatar, relations.state, relations.version, changed_at
    from relations
    join people on people.user_id = other_id
    where owner_id = ${ownerId} and other_id = ${otherId} and erased_at is null`
  if (!row) throw new Problem('not_found', 'There is no such person')
  return toContact(row)
}
