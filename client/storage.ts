/** Where the session and the place in the mailbox outlive a reload. Values are JSON text. */
export type Storage = {
  get(key: string): string | null | Promise<string | null>
  set(key: string, value: string): void | Promise<void>
  remove(key: string): void | Promise<void>
}

/** Keeps everything for as long as the process runs. */
export function memoryStorage(): Storage {
  const values = new Map<string, string>()
  return {
    get: (key) => values.get(key) ?? null,
    set: (key, value) => void values.set(key, value),
    remove: (key) => void values.delete(key),
  }
}

type WebStorage = {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
  removeItem(key: string): void
}

/** Keeps everything in a browser's `localStorage` or `sessionStorage`. */
export const webStorage = (store: WebStorage): Storage => ({
  get: (key) => store.getItem(key),
  set: (key, value) => store.setItem(key, value),
  remove: (key) => store.removeItem(key),
})

/** What was stored as JSON; undefined where there is none, or what no version wrote: a device begins anew then. */
export function parseStored<Kept>(text: string | null): Kept | undefined {
  try {
    return text === null ? undefined : ((JSON.parse(text) ?? undefined) as Kept | undefined)
  } catch {
    return undefined
  }
}
