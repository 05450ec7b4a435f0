import { lchown, lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../failure.ts'

/** Gives a user everything in a volume that is not theirs yet: an older version may have run as somebody else. */
export const giveVolume = async (path: string, user: number): Promise<void> => {
  const found = await lstat(path)
  // Of a link the link itself: whoever made it must not be given what it points at.
  if (found.uid !== user || found.gid !== user) await lchown(path, user, user)
  if (!found.isDirectory()) return
  for (const name of await readdir(path)) await giveVolume(join(path, name), user).catch(unlessGone)
}

/** The volume may be in use just now. */
const unlessGone = (error: unknown) => {
  if (codeOf(error) !== 'ENOENT') throw error
}
