/** A map that forgets what was set longest ago. */
export function createRecency(limit: number) {
  const values = new Map<string, number>()
  return {
    get: (key: string) => values.get(key),
    set(key: string, value: number) {
      values.delete(key)
      values.set(key, value)
      const [oldest] = values.keys()
      if (values.size > limit && oldest !== undefined) values.delete(oldest)
    },
  }
}
