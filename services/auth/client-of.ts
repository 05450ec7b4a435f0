import { isIP } from 'node:net'
import type { Context } from 'hono'

/** Where a request comes from, as far as the gateway says. */
export type Client = { ip: string | null; userAgent: string | null }

/** The gateway sets these headers itself; nobody else reaches the service's port. */
export function clientOf(c: Context): Client {
  const given = c.req.header('x-real-ip') ?? c.req.header('x-forwarded-for')?.split(',').at(-1)
  const ip = given?.trim() ?? ''
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
