import { availableParallelism } from 'node:os'
import { z } from '@hono/zod-openapi'
import { list, number } from '@plaza/kit/config'
import { accessTokenLifeSeconds } from '@plaza/kit/revocation'

const hour = 3_600
const day = 86_400

/** Every variable of auth. Each can be given as AUTH_<NAME>, and each secret X as a file by X_FILE. */
export const Config = z.object({
  /** Its database. */
  DATABASE_URL: z.string(),
  /** 32 random bytes in base64url; encrypts the signing keys in the database. */
  KEY_ENCRYPTION_SECRET: z
    .string()
    .transform((text) => new Uint8Array(Buffer.from(text, 'base64url')))
    .refine((bytes) => bytes.length === 32, 'must be 32 bytes in base64url'),
  HOST: z.string().default('127.0.0.1'),
  /** How many proxies stand before the gateway, where it trusts any (TRUSTED_PROXIES). */
  PROXY_DEPTH: number(1, 1),

  /** The listener that the gateway asks about each request; only with a certificate (PEM) and its key. */
  FORWARD_AUTH_PORT: number(8_401, 0, 65_535),
  TLS_CERT: z.string().optional(),
  TLS_KEY: z.string().optional(),

  ACCESS_TOKEN_SECONDS: number(accessTokenLifeSeconds, 1, accessTokenLifeSeconds),
  /** A session ends when it was not refreshed for so long, … */
  SESSION_IDLE_SECONDS: number(30 * day, 1),
  /** … and at the latest so long after its log-in. */
  SESSION_MAX_SECONDS: number(365 * day, 1),
  /** Beyond so many of one user, the session that was unused for longest ends. */
  SESSION_LIMIT: number(100, 1, 1_000),
  /** A new signing key is published this long before it signs. */
  KEY_LEAD_SECONDS: number(60, 0),
  KEY_ROTATION_DAYS: number(90, 1),

  /** Passwords that are hashed at once, and those that may wait; beyond that the answer is 429. */
  HASH_CONCURRENCY: number(availableParallelism(), 1, 256),
  HASH_QUEUE_LIMIT: number(256, 1),
  /** zxcvbn's score, 0 to 4, that a new password must have. */
  PASSWORD_MIN_SCORE: number(3, 0, 4),
  /** New passwords that may wait to be judged, and for how long; beyond that the answer is 429. */
  JUDGE_QUEUE_LIMIT: number(256, 1),
  JUDGE_TIMEOUT_SECONDS: number(15, 0.001, 50),
  /**
   * Attempts by one username or e-mail address from one network and from all, and failures from one network, within
   * the window; beyond that the answer is 429.
   */
  LOGIN_ACCOUNT_LIMIT: number(20, 1),
  LOGIN_ACCOUNT_TOTAL_LIMIT: number(100, 1),
  LOGIN_IP_LIMIT: number(100, 1),
  LOGIN_WINDOW_SECONDS: number(900, 1),
  /** How often one person may try to change their password within an hour. */
  PASSWORD_CHANGE_LIMIT: number(10, 1),
  /** Mails of one kind to one person within an hour. */
  MAIL_LIMIT: number(5, 1),

  /** The base of links in mails. */
  APP_URL: z.url().default('http://localhost:8000'),
  /** smtp://user:password@host:port; without it mails become .eml files in MAIL_DIR. */
  SMTP_URL: z.string().optional(),
  MAIL_FROM: z.string().default('Plaza <plaza@localhost>'),
  MAIL_DIR: z.string().default('.plaza/mail'),
  VERIFY_EMAIL_SECONDS: number(day, 60),
  RESET_PASSWORD_SECONDS: number(hour, 60),

  /** The services that hold data of users and send a receipt when it is gone. */
  ERASING_SERVICES: list('user,message,relay'),
  /** Services whose receipts are missing are asked again after so long, then after 5, 30 and each 60 times that. */
  ERASURE_NUDGE_SECONDS: number(60, 1),
})
export type Config = z.output<typeof Config>
