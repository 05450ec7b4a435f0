import { z } from '@hono/zod-openapi'
import { Problem } from './problem.ts'

/** A whole number in a query, where it comes as text. Nothing and blanks are none, which `Number` takes for 0. */
export const QueryInt = (min: number, max: number) =>
  z.preprocess(
    (text) => (typeof text === 'string' && /^-?\d+$/.test(text) ? Number(text) : text),
    z.int('must be a whole number').min(min).max(max),
  )

/** The query of every list: `limit` up to 100, and the `cursor` that the page before gave. */
export const PageQuery = z.object({
  limit: QueryInt(1, 100).default(50).openapi({ description: 'Items on a page' }),
  cursor: z.string().max(512).optional().openapi({ description: '`nextCursor` of the page before' }),
})

/** A page of items; `nextCursor` is null on the last one. */
export const Page = <T extends z.ZodType>(item: T, name: string) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() }).openapi(`${name}Page`)

/** An opaque cursor that holds the sort key of a page's last item. */
export const writeCursor = (key: readonly unknown[]): string =>
  Buffer.from(JSON.stringify(key)).toString('base64url')

/** The sort key inside a cursor, checked by its schema; undefined without a cursor. Throws Problem invalid. */
export function readCursor<T extends z.ZodType>(
  cursor: string | undefined,
  schema: T,
): z.output<T> | undefined {
  if (cursor === undefined) return undefined
  try {
    return schema.parse(JSON.parse(Buffer.from(cursor, 'base64url').toString()))
  } catch {
    throw new Problem('invalid', 'The cursor is not one that this list gave', { reason: 'cursor_invalid' })
  }
}

/**
 * Cuts a page from rows that were asked for with `limit + 1`; `key` names what the next page starts after.
 */
export function toPage<Row, Item>(
  rows: readonly Row[],
  limit: number,
  key: (row: Row) => readonly unknown[],
  item: (row: Row) => Item,
): { items: Item[]; nextCursor: string | null } {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return { items: shown.map(item), nextCursor: rows.length > limit && last ? writeCursor(key(last)) : null }
}
