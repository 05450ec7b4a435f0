import { parseStored, type Storage } from './storage.ts'
import type { Session } from './wire.ts'

/** Where the session is kept for all tabs and for later; for as long as the page lives where the storage takes nothing. */
export type SessionStore = {
  load(): Promise<Session | null>
  save(session: Session): Promise<void>
  remove(): Promise<void>
}

export function createSessionStore(
  storage: Storage,
  key: string,
  onError: (error: unknown) => void,
): SessionStore {
  /** What could not be stored, and what stands in its place. */
  let unsaved: { session: Session; over: string | null } | undefined

  const remove = async () => {
    unsaved = undefined
    await storage.remove(key)
  }
  return {
    async load() {
      const text = await storage.get(key)
      // Anything else is from another tab, and newer.
      if (unsaved?.over === text) return unsaved.session
      return parseStored<Session>(text) ?? null
    },
    async save(session) {
      try {
        await storage.set(key, JSON.stringify(session))
        unsaved = undefined
      } catch (error) {
        // A full storage still holds the session before, whose token is spent: to use it again looks like theft.
        await remove().catch(() => {})
        unsaved = { session, over: await storage.get(key) }
        onError(error)
      }
    },
    remove,
  }
}
