import { expect, test } from 'bun:test'
import { storeRows, toRow } from '@plaza/kit/outbox'
import { tokensRevoked } from '@plaza/kit/revocation'
import { eventually } from '@plaza/kit/testing'
import { startHeartbeat } from './heartbeat.ts'
import { createWorld } from './tests/_world.ts'

const { auth, deps, sql, revocationOf } = await createWorld(import.meta.path)

test('a revocation that nobody published goes out before the heartbeat that vouches for it', async () => {
  // With auth stopped there is no sweeper: only the heartbeat can bring it out.
  await auth.stop()
  const id = crypto.randomUUID()
  const data = { scope: 'session' as const, id, notBefore: Date.now() / 1_000 }
  await sql.begin((tx) => storeRows(tx, [toRow(tokensRevoked.emit({ subject: id, data }))]))
  const stop = startHeartbeat(sql, await deps.host.nats(), deps.host.log)
  await eventually(async () => expect(await revocationOf(id)).toEqual(data))
  await stop()
})
