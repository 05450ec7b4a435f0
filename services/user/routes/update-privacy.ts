import { createRoute } from '@hono/zod-openapi'
import { defineRoute, json, jsonBody, problems, userOf } from '@plaza/kit/route'
import type { Transaction } from '@plaza/kit/sql'
import type { Ctx } from '../context.ts'
import { privacyChanged } from '../events.ts'
import { accountGone, ensureSelf } from '../people.ts'
import { Privacy, PrivacySettings } from '../schema.ts'
import { tellPrivacy } from '../tell-message.ts'

const route = createRoute({
  method: 'put',
  path: '/api/v1/me/privacy',
  operationId: 'updatePrivacy',
  'x-access': 'user',
  tags: ['People'],
  summary: 'Replace your privacy settings',
  description:
    'All four are required. They are in force everywhere when the answer comes. A 503 means that they ' +
    'are stored but not yet in force everywhere: repeat it.',
  request: { body: jsonBody(PrivacySettings, 'All settings') },
  responses: { 200: json(Privacy, 'The settings, in force'), ...problems },
} as const)

/** Replaces the caller's settings. They are in force everywhere when the answer comes; unavailable asks for a repeat. */
export const updatePrivacy = (ctx: Ctx) =>
  defineRoute(route, async (c) => {
    const { userId } = userOf(c)
    const settings = c.req.valid('json')
    await ensureSelf(ctx, userId)
    const privacy = await ctx.outbox.transaction(async (tx, emit) => {
      const row = await replace(tx, userId, settings)
      // The same as before: message is told once more below, for that may be why it comes again.
      if (!row) return await readPrivacy(tx, userId)
      const { version } = row
      const data = { userId, ...row }
      emit(privacyChanged.emit({ subject: userId, actor: userId, version, recipients: [userId], data }))
      return row
    })
    await tellPrivacy(ctx, userId, privacy)
    return c.json(privacy, 200)
  })

const columns = (tx: Transaction) => tx`
  who_may_write, who_sees_presence, send_delivery_receipts, send_read_receipts, privacy_version as version`

/** The settings with a new version; undefined when that is what they were. */
async function replace(
  tx: Transaction,
  userId: string,
  { whoMayWrite, whoSeesPresence, sendDeliveryReceipts, sendReadReceipts }: Omit<Privacy, 'version'>,
): Promise<Privacy | undefined> {
  const [row] = await tx<Privacy[]>`
    update people
    set who_may_write = ${whoMayWrite},
      who_sees_presence = ${whoSeesPresence},
      send_delivery_receipts = ${sendDeliveryReceipts},
      send_read_receipts = ${sendReadReceipts},
      privacy_version = privacy_version + 1
    where user_id = ${userId} and erased_at is null
      and (who_may_write, who_sees_presence, send_delivery_receipts, send_read_receipts) is distinct from
        (${whoMayWrite}, ${whoSeesPresence}, ${sendDeliveryReceipts}, ${sendReadReceipts})
    returning ${columns(tx)}`
  return row
}

async function readPrivacy(tx: Transaction, userId: string): Promise<Privacy> {
  const [row] = await tx<Privacy[]>`
    select ${columns(tx)}
    from people
    where user_id = ${userId} and erased_at is null`
  if (!row) throw accountGone()
  return row
}
