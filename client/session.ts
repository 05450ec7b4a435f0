import { isLoggedOut, PlazaError } from './error.ts'
import type { Exchange } from './exchange.ts'
import type { Storage } from './storage.ts'
import type { Session } from './wire.ts'

export type SessionKeeper = {
  /** The session as it is; null when nobody is logged in. */
  current(): Promise<Session | null>
  /** Takes the session of a log-in, or forgets it. */
  set(session: Session | null): Promise<void>
  /** A token that is good for some time yet, refreshed when it must be. Throws PlazaError unauthenticated. */
  accessToken(): Promise<string>
  /** A token other than one that was refused. */
  replace(refused: string): Promise<string>
}

const storageKey = 'plaza.session'
const earlyMs = 30_000

/**
 * Keeps the session and refreshes its token, one refresh at a time for all callers. A refresh whose answer
 * was lost is repeated with the same token, which the server allows while the lost one is unused.
 */
export function createSessionKeeper(exchange: Exchange, storage: Storage): SessionKeeper {
  let known: Session | null | undefined
  let refreshing: Promise<string> | undefined

  const load = async () => parse(await storage.get(storageKey))
  const current = async () => {
    if (known === undefined) known = await load()
    return known
  }
  const set = async (session: Session | null) => {
    known = session
    if (session) await storage.set(storageKey, JSON.stringify(session))
    else await storage.remove(storageKey)
  }
  const rotate = async (refused: string) => {
    // Another tab may have refreshed meanwhile; using its predecessor's token would look like theft.
    const session = await load()
    if (!session) throw loggedOut()
    if (session.accessToken !== refused) {
      known = session
      return session.accessToken
    }
    try {
      const { refreshToken } = session
      const next = await exchange<Session>('POST', '/api/v1/auth/refresh', {
        body: { refreshToken },
        repeat: true,
      })
      await set(next)
      return next.accessToken
    } catch (error) {
      if (isLoggedOut(error)) await set(null)
      throw error
    }
  }
  const replace = (refused: string) => {
    refreshing ??= alone(() => rotate(refused)).finally(() => {
      refreshing = undefined
    })
    return refreshing
  }

  return {
    current,
    set,
    replace,
    async accessToken() {
      const session = await current()
      if (!session) throw loggedOut()
      const left = Date.parse(session.expiresAt) - Date.now()
      return left > earlyMs ? session.accessToken : await replace(session.accessToken)
    },
  }
}

const loggedOut = () =>
  new PlazaError({ status: 401, code: 'unauthenticated', detail: 'Nobody is logged in' })

const parse = (text: string | null): Session | null => (text === null ? null : JSON.parse(text))

type Locks = { request<T>(name: string, work: () => Promise<T>): Promise<T> }

/** Runs work while no other tab of this origin does; where there are no tabs there are no locks. */
async function alone<T>(work: () => Promise<T>): Promise<T> {
  const browser: { locks?: Locks } | undefined = globalThis.navigator
  return browser?.locks ? await browser.locks.request(storageKey, work) : await work()
}
