import { isUtf8 } from 'node:buffer'
import type { Context, MiddlewareHandler } from 'hono'
import { Problem } from './problem.ts'

const maxBytes = 1 << 20

/**
 * Reads the body for all that ask for its text: up to 1 MiB, whole, and UTF-8. Decoding puts U+FFFD where bytes make no
 * sense, which a caller may send as well, so the bytes decide; they are looked at only where it is found.
 */
export const readBody: MiddlewareHandler = async (c, next) => {
  const body = await read(c)
  if (body) {
    const text = await body.text()
    if (text.includes('\ufffd') && !isUtf8(await body.arrayBuffer()))
      throw new Problem('invalid', 'The body is not valid UTF-8')
    // The framework keeps promises here, but its type does not say so.
    Object.assign(c.req.bodyCache, { text: Promise.resolve(text) })
  }
  await next()
}

async function read({ req }: Context): Promise<Blob | undefined> {
  const announced = req.header('transfer-encoding') ? undefined : req.header('content-length')
  if (Number(announced) > maxBytes) throw tooLarge()
  try {
    if (announced !== undefined) return await req.raw.blob()
    return req.raw.body ? await gather(req.raw.body) : undefined
  } catch (cause) {
    if (cause instanceof Problem) throw cause
    throw new Problem('invalid', 'The body did not come whole', { cause })
  }
}

/** Reads what nobody has said the length of, no further than it may be long. */
async function gather(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<Blob> {
  const chunks: Uint8Array<ArrayBuffer>[] = []
  let bytes = 0
  for await (const chunk of stream) {
    bytes += chunk.length
    if (bytes > maxBytes) throw tooLarge()
    chunks.push(chunk)
  }
  return new Blob(chunks)
}

const tooLarge = () =>
  new Problem('invalid', 'The body is larger than 1 MiB', { reason: 'too_large', status: 413 })
