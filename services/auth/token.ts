import { randomBytes } from 'node:crypto'

/** 256 random bits in base64url. Only its hash is stored. */
export const newToken = (): string => randomBytes(32).toString('base64url')

/** SHA-256: enough for what is random already. */
export const hashToken = (token: string): Buffer => new Bun.CryptoHasher('sha256').update(token).digest()
