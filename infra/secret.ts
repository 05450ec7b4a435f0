import { randomBytes } from 'node:crypto'

/** A random password: a letter and 48 hexadecimal digits, so that it needs quoting nowhere. */
export const secret = (): string => `p${randomBytes(24).toString('hex')}`
