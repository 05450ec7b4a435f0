import type { Running } from '@plaza/kit/service'
import type { WakeUp } from '@plaza/relay/mailbox'
import type { Ctx } from './context.ts'
import { sendElsewhere } from './leave.ts'
import { followNode, showWakeUps } from './live.ts'
import { createParts } from './parts.ts'
import { closeRevoked } from './revocations.ts'
import { createHandlers } from './sockets.ts'
import { startWatch } from './watch.ts'

/** Starts what looks after this node's sockets. */
export function startNode(ctx: Ctx): Required<Pick<Running, 'websocket' | 'operations' | 'drain' | 'stop'>> {
  const parts = createParts(ctx)
  const watch = startWatch(ctx, parts)
  const stopFollowing = [followNode({ ...ctx, ...parts }), closeRevoked(ctx, parts)]
  return {
    websocket: createHandlers(ctx, parts, watch),
    operations: {
      // For relay in this process, which needs no broker between.
      async wakeUp(wakeUps) {
        showWakeUps({ ...ctx, ...parts }, wakeUps as WakeUp[])
        return []
      },
    },
    drain: () => sendElsewhere(ctx, parts),
    async stop() {
      for (const stop of stopFollowing) stop()
      parts.relations.stop()
      await Promise.all([watch.stop(), parts.receipts.stop(), parts.acknowledgements.stop()])
      await parts.presence.stop()
    },
  }
}
