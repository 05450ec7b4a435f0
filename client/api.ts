import { isLoggedOut } from './error.ts'
import type { Call, Exchange, Method } from './exchange.ts'
import { newKey } from './key.ts'
import type { SessionKeeper } from './session.ts'
import type { Page, Session } from './wire.ts'

/** Calls as the person who is logged in. */
export type Api = {
  /** A call with the access token; one that is refused is made again with a fresh one. */
  call: Exchange
  /** A create: carries an Idempotency-Key, so it may be repeated and still happens once. */
  create<Answer>(path: string, body: unknown, key?: string): Promise<Answer>
  /** Every item of a list, page after page, as the caller asks for more. */
  list<Item>(path: string, query?: Call['query']): AsyncGenerator<Item, void, undefined>
}

/** Calls for whoever is logged in, or for one user alone: they throw unauthenticated once somebody else is. */
export function createApi(exchange: Exchange, session: SessionKeeper, userId?: string): Api {
  const call: Exchange = async <Answer>(method: Method, path: string, request: Call = {}) => {
    const withToken = ({ accessToken }: Session) =>
      exchange<Answer>(method, path, {
        ...request,
        headers: { ...request.headers, authorization: `Bearer ${accessToken}` },
      })
    let used = await session.access(userId)
    for (let replaced = 0; ; replaced += 1) {
      try {
        return await withToken(used)
      } catch (error) {
        // Twice, for the first may bring what another tab had, and that may be spent as well.
        if (!isLoggedOut(error) || replaced === 2) throw error
        used = await session.replace(used)
      }
    }
  }
  return {
    call,
    create: (path, body, key = newKey()) =>
      call('POST', path, { body, headers: { 'idempotency-key': key }, repeat: true }),
    async *list<Item>(path: string, query: Call['query'] = {}) {
      let cursor: string | undefined
      do {
        const page: Page<Item> = await call('GET', path, { query: { ...query, cursor } })
        yield* page.items
        cursor = page.nextCursor ?? undefined
      } while (cursor)
    },
  }
}
