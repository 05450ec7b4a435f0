import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Storage } from '../storage.ts'

/**
 * Keeps everything in one file, for scripts in Bun. Only its owner may read it, since it holds the session. A file
 * is one device: let one process at a time use it.
 */
export function fileStorage(path: string): Storage {
  const read = (): Record<string, string> => (existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {})
  const write = (values: Record<string, string | undefined>) => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
    // Whoever is stopped half-way leaves the old file whole.
    writeFileSync(`${path}.new`, JSON.stringify(values), { mode: 0o600 })
    renameSync(`${path}.new`, path)
  }
  return {
    get: (key) => read()[key] ?? null,
    set: (key, value) => write({ ...read(), [key]: value }),
    remove: (key) => write({ ...read(), [key]: undefined }),
  }
}
