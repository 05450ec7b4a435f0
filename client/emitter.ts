/** Typed listeners. One that throws harms no other: its error is told to the listeners of `error`. */
export class Emitter<Events extends { error: unknown }> {
  readonly #listeners = new Map<keyof Events, Set<(value: never) => void>>()

  /** Listens; the answer ends it. */
  on<Name extends keyof Events>(name: Name, listener: (value: Events[Name]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners)
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }

  emit<Name extends keyof Events>(name: Name, value: Events[Name]): void {
    const listeners = this.#listeners.get(name)
    if (name === 'error' && !listeners?.size) console.error(value)
    for (const listener of listeners ?? []) {
      try {
        // `on` is the only way in, and it ties each name to its value's type.
        listener(value as never)
      } catch (error) {
        if (name === 'error') console.error(error)
        else this.emit('error', error)
      }
    }
  }
}
