import { isUtf8 } from 'node:buffer'
import type { MiddlewareHandler } from 'hono'
import { Problem } from './problem.ts'
import type { AppEnv } from './route.ts'

/**
 * Reads the body for all that ask for its text. One that is not UTF-8 is refused: decoding puts U+FFFD where bytes make
 * no sense. A caller may send that character as well, so the bytes decide, which are looked at only where it is found.
 */
export const readBody: MiddlewareHandler<AppEnv> = async (c, next) => {
  const body = await c.req.raw.blob().catch((cause) => {
    throw new Problem('invalid', 'The body did not come whole', { cause })
  })
  const text = await body.text()
  if (text.includes('\ufffd') && !isUtf8(await body.arrayBuffer()))
    throw new Problem('invalid', 'The body is not valid UTF-8')
  // The framework keeps promises here, but its type does not say so.
  Object.assign(c.req.bodyCache, { text: Promise.resolve(text) })
  await next()
}
