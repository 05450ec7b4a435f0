import { open, readFile, rename } from 'node:fs/promises'
import { dirname } from 'node:path'
import { codeOf } from './failure.ts'

/** The text of a file, or undefined if there is none. */
export const readIfThere = (file: string): Promise<string | undefined> =>
  readFile(file, 'utf8').catch((error) => {
    if (codeOf(error) !== 'ENOENT') throw error
    return undefined
  })

/**
 * Writes a file that only those may read whom `mode` names: whole or not at all, and for good when this returns,
 * even if the power fails right after. One that holds the text already is left alone.
 */
export const writePrivate = async (file: string, text: string, mode = 0o600): Promise<void> => {
  if ((await readIfThere(file)) === text) return
  const draft = `${file}.draft`
  await using written = await open(draft, 'w', mode)
  await written.writeFile(text)
  await written.sync()
  await rename(draft, file)
  await using folder = await open(dirname(file))
  await folder.sync()
}
