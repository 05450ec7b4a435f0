import { isIP } from 'node:net'
import type { Context } from 'hono'

/** Where a request comes from, as far as the gateway says. */
export type Client = { ip: string | null; userAgent: string | null }

/**
 * Each proxy adds whom it heard to X-Forwarded-For, the gateway last; it has dropped what others than its
 * trusted proxies sent. So the client stands before the addresses of the `proxies`, or alone without any.
 */
export function clientOf(c: Context, proxies: number): Client {
  const heard = c.req.header('x-forwarded-for')?.split(',') ?? []
  const ip = (heard.at(-1 - proxies) ?? heard[0])?.trim() ?? ''
  const userAgent = c.req
    .header('user-agent')
    ?.replaceAll(/[^\x20-\x7e]/g, '')
    .slice(0, 256)
  return { ip: isIP(ip) ? ip : null, userAgent: userAgent || null }
}

/** What an address is counted by: a household's IPv6 addresses share their first 64 bits. */
export function networkOf(ip: string): string {
  if (isIP(ip) !== 6) return ip
  const [head = '', tail] = ip.split('::')
  const left = head.split(':').filter(Boolean)
  const right = tail?.split(':').filter(Boolean) ?? []
  const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill('0')
  return [...left, ...zeros, ...right].slice(0, 4).join(':')
}
