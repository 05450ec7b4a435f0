import type { Sql, Transaction } from '@plaza/kit/sql'
import { hashLooks } from './username.ts'

type Claim = { id: string; looks: string[] }

const batchRows = 1_000

/** Takes the looks of a name for its account; answers whether none belonged to another. */
export async function claimLooks(sql: Sql | Transaction, { id, looks }: Claim): Promise<boolean> {
  // In the order of the hashes, so that two who want the same never wait for each other.
  const claimed = await sql`
    insert into username_looks (hash, user_id)
    select hash, ${id}::uuid
    from unnest(${looks}::text[]) as hash
    order by hash
    on conflict do nothing
    returning hash`
  return claimed.length === looks.length
}

/** Takes the looks of names from before looks were kept, as far as no other account has them. */
export async function claimMissingLooks(sql: Sql): Promise<void> {
  let after = '00000000-0000-0000-0000-000000000000'
  for (;;) {
    const users = await sql<{ id: string; username: string }[]>`
      select id, username
      from users
      where id > ${after} and username is not null
        and not exists (select from username_looks where user_id = users.id)
      order by id
      limit ${batchRows}`
    await Promise.all(users.map(({ id, username }) => claimLooks(sql, { id, looks: hashLooks(username) })))
    const last = users.at(-1)
    if (!last) return
    after = last.id
  }
}
