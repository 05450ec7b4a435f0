import { isLoggedOut, PlazaError } from './error.ts'
import type { Exchange } from './exchange.ts'
import { createSessionStore } from './session-store.ts'
import type { Storage } from './storage.ts'
import type { Session } from './wire.ts'

export type SessionKeeper = {
  /** The session as it is; null when nobody is logged in. */
  current(): Promise<Session | null>
  /** Takes the session of a log-in. */
  take(session: Session): Promise<void>
  /** Forgets a session, and none that was begun since, here or in another tab. */
  forget(session: Session): Promise<void>
  /** The session to call with. Throws PlazaError unauthenticated, also when it is not that of the user asked for. */
  access(userId?: string): Promise<Session>
  /** The same person's session with a token other than the one that was refused. */
  replace(refused: Session): Promise<Session>
}

const storageKey = 'plaza.session'

/**
 * Keeps the session and refreshes its token once the server refuses it, for a device's clock may be wrong: one
 * refresh at a time for all callers. A refresh whose answer was lost is repeated with the same token, which the
 * server allows while the lost one is unused. Whoever is replaced by another person, here or in another tab, is
 * logged out: `onLeft` is told. A storage that fails is told to `onError`, and logs nobody out here.
 */
export function createSessionKeeper(
  exchange: Exchange,
  storage: Storage,
  onLeft: (reason: PlazaError) => void,
  onError: (error: unknown) => void = console.error,
): SessionKeeper {
  let known: Session | null | undefined
  const refreshing = new Map<string, Promise<Session>>()

  const store = createSessionStore(storage, storageKey, onError)
  const know = (session: Session | null) => {
    const left = known && known.user.id !== session?.user.id
    known = session
    if (left) onLeft(loggedOut())
  }
  const current = async () => {
    if (known !== undefined) return known
    const loaded = await store.load()
    // Somebody may have logged in meanwhile.
    if (known === undefined) known = loaded
    return known
  }
  const isHere = (userId: string) => known?.user.id === userId
  const take = async (session: Session) => {
    know(session)
    await store.save(session)
  }
  const forget = async ({ sessionId }: Session) => {
    if (known?.sessionId === sessionId) know(null)
    if ((await store.load())?.sessionId === sessionId) await store.remove()
  }
  /** The stored session, if it is this person's still; it is not after a log-out, or a log-in by another. */
  const loadOf = async (userId: string) => {
    const session = await store.load()
    if (session?.user.id === userId && isHere(userId)) return session
    if (isHere(userId)) know(null)
    throw loggedOut()
  }
  const refresh = async (session: Session) => {
    const { refreshToken } = session
    const body = { refreshToken }
    const next = await exchange<Session>('POST', '/api/v1/auth/refresh', { body, repeat: true }).catch(
      async (error) => {
        if (isLoggedOut(error)) await forget(session)
        else throw error
      },
    )
    const stored = await loadOf(session.user.id)
    // The person may have logged in anew meanwhile.
    if (!next || stored.refreshToken !== refreshToken) return stored
    await take(next)
    return next
  }
  const rotate = async (refused: Session) => {
    // Another tab may have refreshed meanwhile; using its predecessor's token would look like theft.
    const session = await loadOf(refused.user.id)
    if (session.accessToken === refused.accessToken) return await refresh(session)
    know(session)
    return session
  }
  const replace = (refused: Session) => {
    const userId = refused.user.id
    const begun = refreshing.get(userId)
    if (begun) return begun
    const rotated = alone(() => rotate(refused)).finally(() => refreshing.delete(userId))
    refreshing.set(userId, rotated)
    return rotated
  }

  return {
    current,
    take,
    forget,
    replace,
    async access(userId) {
      const session = await current()
      if (!session || (userId !== undefined && session.user.id !== userId)) throw loggedOut()
      return session
    },
  }
}

const loggedOut = () =>
  new PlazaError({ status: 401, code: 'unauthenticated', detail: 'Nobody is logged in' })

type Locks = { request<T>(name: string, work: () => Promise<T>): Promise<T> }

/** Runs work while no other tab of this origin does; where there are no tabs there are no locks. */
async function alone<T>(work: () => Promise<T>): Promise<T> {
  const browser: { locks?: Locks } | undefined = globalThis.navigator
  return browser?.locks ? await browser.locks.request(storageKey, work) : await work()
}
