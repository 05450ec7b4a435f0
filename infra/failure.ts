/** An error that is the operator's to mend: its message is the whole story and is printed as one line. */
export class Failure extends Error {
  override name = 'Failure'
}

/** The message of anything thrown, in one line. */
export const messageOf = (error: unknown): string =>
  (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, ' ').trim()

/** The code of a system error (`ENOENT`, `EACCES` …), if it has one. */
export const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
