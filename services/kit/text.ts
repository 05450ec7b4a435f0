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

/** Control characters, separators of lines, and controls that turn the direction of what follows them. */
const controls = /[\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069]/u
/** A character that shows; the blank of braille does not, nor do fillers, though they count as letters. */
const visible = /[^\p{C}\p{M}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/u

/** As above, but what only some fonts have a shape for counts as well: private characters, and emoji newer than this. */
const shown = /[^\p{White_Space}\p{Cc}\p{Cf}\p{M}\p{Default_Ignorable_Code_Point}\u2800]/u

/** Whether nobody would see anything of a text. */
export const isBlank = (text: string): boolean => !shown.test(text)

/** A line as it is kept. */
export const tidyLine = (text: string): string => text.normalize('NFC').trim()

/** One line of text for a person's eyes: trimmed, in Unicode form NFC, without controls, with something to see. */
export const Line = (max: number, min = 1) =>
  Text(max * 4)
    .transform(tidyLine)
    .pipe(
      z
        .string()
        .min(min)
        .max(max)
        .refine((text) => !controls.test(text), 'must not contain control characters')
        .refine((text) => text === '' || visible.test(text), 'must have a visible character'),
    )
    .openapi({ minLength: min, maxLength: max })
