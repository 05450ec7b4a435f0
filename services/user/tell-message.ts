import { Problem } from '@plaza/kit/problem'
import type { Ctx } from './context.ts'
import type { Relation } from './relations.ts'
import type { Privacy } from './schema.ts'

/**
 * Tells message how one person stands to another before the caller gets an answer, so that a block holds
 * from the moment it is confirmed. It is committed already: when message is away the caller hears
 * unavailable, a repeat tells it again, and the event does so in any case.
 */
export async function tellRelations(ctx: Ctx, relations: readonly Relation[]): Promise<void> {
  await Promise.all(
    relations
      .filter(({ version }) => version > 0)
      .map(({ ownerId, otherId, blocked, state, version }) =>
        put(ctx, 'relations', { ownerId, otherId, blocked, contact: state === 'accepted', version }),
      ),
  )
}

/** The same for a person's privacy settings. */
export async function tellPrivacy(ctx: Ctx, userId: string, privacy: Privacy): Promise<void> {
  const { whoMayWrite, sendDeliveryReceipts, sendReadReceipts, version } = privacy
  await put(ctx, 'privacy', { userId, whoMayWrite, sendDeliveryReceipts, sendReadReceipts, version })
}

async function put(ctx: Ctx, what: 'relations' | 'privacy', body: object): Promise<void> {
  const answer = await ctx.message(`http://message/internal/v1/${what}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (answer.ok) return
  throw new Problem('unavailable', 'The change is stored and not yet in force everywhere: repeat it', {
    cause: `message answered ${answer.status}`,
    retryAfterSeconds: 1,
  })
}
