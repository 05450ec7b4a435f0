import { afterAll, expect, test } from 'bun:test'
import { connectSql } from '@plaza/kit/sql'
import { eventually } from '@plaza/kit/testing'
import { noteReceipt } from './erasures.ts'
import { createWorld } from './tests/_world.ts'

const { auth, environment, register } = await createWorld(import.meta.path)
const sql = connectSql({ url: environment.DATABASE_URL ?? '', name: 'erasures-test', connections: 3 })
afterAll(() => sql.end({ timeout: 1 }))

test('of two receipts noted at the same time the later one sees the other, and ends the account', async () => {
  const services = ['user', 'message']
  const person = await register()
  const { id: userId } = person.user
  await auth.as(person).api.v1.auth.me.$delete({ json: { password: person.password } })
  const { second } = await sql.begin(async (tx) => {
    await noteReceipt(tx, { userId, service: 'user', services })
    const second = sql.begin((other) => noteReceipt(other, { userId, service: 'message', services }))
    // It waits for this transaction, or it has passed it by.
    await Promise.race([second, somebodyWaits()])
    return { second }
  })
  await second
  const [row] = await sql`select finished_at from erasures where user_id = ${userId}`
  expect(row?.finishedAt).toBeDate()
})

const somebodyWaits = () =>
  eventually(async () => {
    const waiting = await sql`
      select pid
      from pg_stat_activity
      where datname = current_database() and application_name = 'erasures-test' and wait_event_type = 'Lock'`
    expect(waiting.length).toBeGreaterThan(0)
  })
