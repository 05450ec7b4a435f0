import { toProblem } from '@plaza/kit/app'
import { unexpectedErrors } from '@plaza/kit/metrics'
import { Problem, type ProblemBody } from '@plaza/kit/problem'
import { z } from 'zod'
import type { Ctx } from './context.ts'
import { heldUp } from './refusals.ts'
import type { Actor } from './schema.ts'

type Acting = Pick<z.output<typeof Actor>, 'userId' | 'sessionId' | 'issuedAt'>
type Refused = { problem: ProblemBody }

/**
 * The body of a batch of at most 200 items. Callers have them typed; at run time each is checked alone,
 * so that a bad one spoils no other.
 */
export const Batch = <Item extends z.ZodType>(_item: Item) =>
  z.object({ items: z.array(z.custom<z.input<Item>>()).max(200) })

/** Does each item of a service's batch as the person it names, and answers each by itself, as soon as it is done. */
export function doEach<Item extends z.ZodType<Acting>, Result extends object>(
  ctx: Ctx,
  schema: Item,
  items: readonly unknown[],
  work: (item: z.output<Item>) => Promise<Result>,
): Promise<Result | Refused>[] {
  const check = async (given: unknown): Promise<z.output<Item>> => {
    const parsed = schema.safeParse(given)
    if (!parsed.success) throw new Problem('invalid', z.prettifyError(parsed.error))
    await ctx.identity.assertNotRevoked(parsed.data)
    return parsed.data
  }
  // Work begins in the items' order: what auth is asked about one may take longer than about the next.
  const checked = Promise.allSettled(items.map(check))
  const one = async (index: number): Promise<Result | Refused> => {
    try {
      const item = (await checked)[index]
      if (item?.status !== 'fulfilled') throw item?.reason
      return await work(item.value)
    } catch (error) {
      return { problem: describe(ctx, error) }
    }
  }
  return items.map((_given, index) => one(index))
}

/** What answers a batch waits for its slowest item no longer than this; by then its peer has not given up yet. */
const patienceMs = 1_500

/** The answers of a batch; an item that is held up is told so, and keeps nobody else waiting. */
export const allInTime = <Result extends object>(results: readonly Promise<Result | Refused>[]) => {
  const late = Bun.sleep(patienceMs).then((): Refused => ({ problem: heldUp().body() }))
  return Promise.all(results.map((result) => Promise.race([result, late])))
}

/** The problem that an item's error amounts to; what nobody foresaw says nothing, as in an answer of its own. */
function describe({ service, log }: Ctx, error: unknown): ProblemBody {
  const problem = toProblem(error instanceof Error ? error : new Error(String(error)))
  if (problem instanceof Problem) return problem.body()
  unexpectedErrors.inc({ service })
  log.error({ err: problem }, 'unexpected error')
  return { type: 'about:blank', title: 'Something went wrong', status: 500, code: 'internal' }
}
