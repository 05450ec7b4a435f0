import { Database } from 'bun:sqlite'
import { messageOf } from './failure.ts'

/** Held until released or until this process ends, however it ends: the kernel drops the lock with it. */
export type Lock = Disposable

/** Takes the lock kept in `file`, or answers undefined while another holds it. Throws when the file cannot be written. */
export const tryLock = (file: string): Lock | undefined => {
  const database = new Database(file, { create: true, strict: true })
  try {
    database.run('begin exclusive')
  } catch (error) {
    database.close()
    if (messageOf(error).includes('locked')) return undefined
    throw error
  }
  return { [Symbol.dispose]: () => database.close() }
}

/** Waits for the lock kept in `file`; `onWait` is called once when somebody else holds it. */
export const lock = async (file: string, onWait: () => void): Promise<Lock> => {
  for (let tries = 0; ; tries++) {
    const held = tryLock(file)
    if (held) return held
    if (tries === 0) onWait()
    await Bun.sleep(100)
  }
}
