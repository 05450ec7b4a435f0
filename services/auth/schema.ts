import { z } from '@hono/zod-openapi'
import { Id } from '@plaza/kit/id'
import { Role } from '@plaza/kit/identity'
import { Line, Text } from '@plaza/kit/text'
import { tidyEmail } from './email.ts'
import { isUsername, tidyUsername } from './username.ts'

export const Username = Text(128)
  .transform(tidyUsername)
  .pipe(
    z
      .string()
      .min(3)
      .max(32)
      .refine(isUsername, 'must be letters and digits of one script, with single . _ - between them'),
  )
  .openapi({
    description: '3 to 32 letters and digits of one script, with single . _ - between',
    example: 'anna',
  })

/** A local part without quotes or signs that mail headers give a meaning to, and a domain of at least two labels. */
const emailForm =
  /^[^\s"(),:;<>@[\\\]\p{Cc}.]+(?:\.[^\s"(),:;<>@[\\\]\p{Cc}.]+)*@(?:[\p{L}\p{N}][\p{L}\p{M}\p{N}-]*\.)+[\p{L}\p{N}][\p{L}\p{M}\p{N}-]+$/u

export const Email = Text(512)
  .transform(tidyEmail)
  .pipe(
    z
      .string()
      .max(254)
      .pipe(z.email({ pattern: emailForm })),
  )
  .openapi({ description: 'An e-mail address', example: 'anna@example.org' })

const opaque = (text: string) => text.normalize('NFC')

/** A password that is being chosen. Its strength is judged apart. */
export const NewPassword = Text(512)
  .transform(opaque)
  .pipe(z.string().min(8).max(128))
  .openapi({ description: '8 to 128 characters, hard to guess', example: 'late otters juggle 7 plums' })

/** A password that is being proved. */
export const Password = Text(512, 1).transform(opaque).openapi({ description: 'The password' })

/** A token as it came by mail, or a refresh token: 256 random bits in base64url. */
export const OpaqueToken = z
  .string()
  .regex(/^[\w-]{43}$/, 'must be a token as it was given')
  .openapi({ description: 'A token as it was given' })

export const Device = z.object({ name: Line(100).openapi({ example: "Anna's phone" }) }).openapi('Device')

export const Me = z
  .object({
    id: Id,
    username: z.string(),
    email: z.string(),
    emailVerified: z.boolean(),
    role: Role,
    createdAt: z.iso.datetime(),
  })
  .openapi('Me')
export type Me = z.infer<typeof Me>

export const Session = z
  .object({
    user: Me,
    sessionId: Id,
    accessToken: z.string().openapi({ description: 'A JWT for `Authorization: Bearer …`' }),
    expiresAt: z.iso.datetime().openapi({ description: 'When the access token dies' }),
    refreshToken: z.string().openapi({ description: 'Good for one refresh; keep it safe' }),
  })
  .openapi('Session')
export type Session = z.infer<typeof Session>

export const DeviceSession = z
  .object({
    id: Id,
    device: z.union([Device, z.null()]),
    userAgent: z.string().nullable(),
    ip: z.string().nullable(),
    createdAt: z.iso.datetime(),
    lastUsedAt: z.iso.datetime().openapi({ description: 'Right to the minute' }),
    current: z.boolean().openapi({ description: 'Whether this request comes from it' }),
  })
  .openapi('DeviceSession')

export const AdminUser = z
  .object({
    id: Id,
    username: z.string().nullable().openapi({ description: 'Null when erased' }),
    email: z.string().nullable(),
    emailVerified: z.boolean(),
    role: Role,
    createdAt: z.iso.datetime(),
    deletedAt: z.iso.datetime().nullable(),
    ban: z
      .object({
        reason: z.string(),
        since: z.iso.datetime(),
        until: z.iso.datetime().nullable().openapi({ description: 'Null: for good' }),
      })
      .nullable(),
  })
  .openapi('AdminUser')
export type AdminUser = z.infer<typeof AdminUser>

export const Erasure = z
  .object({
    id: Id,
    status: z.enum(['running', 'done']),
    startedAt: z.iso.datetime(),
    finishedAt: z.iso.datetime().nullable(),
    receipts: z.array(z.object({ service: z.string(), receivedAt: z.iso.datetime().nullable() })).openapi({
      description: 'Each service that holds data, and when it said that it holds none any more',
    }),
  })
  .openapi('Erasure')
