import { z } from '@hono/zod-openapi'

/**
 * A string that Postgres and JSON can hold: no NUL, no lone surrogate.
 * `max` and `min` count UTF-16 units, as browsers do.
 */
export const Text = (max: number, min = 0) =>
  z
    .string()
    .min(min)
    .max(max)
    .refine((text) => !text.includes('\0') && text.isWellFormed(), 'must be well-formed Unicode without NUL')

/** One line of text for a person's eyes: trimmed, in Unicode form NFC, without control characters. */
export const Line = (max: number, min = 1) =>
  Text(max * 4)
    .transform((text) => text.normalize('NFC').trim())
    .pipe(
      z
        .string()
        .min(min)
        .max(max)
        .regex(/^\P{Cc}*$/u, 'must not contain control characters'),
    )
    .openapi({ minLength: min, maxLength: max })
