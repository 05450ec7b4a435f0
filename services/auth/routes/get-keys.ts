import { createRoute, z } from '@hono/zod-openapi'
import { defineRoute, json, problems } from '@plaza/kit/route'
import type { Ctx } from '../context.ts'

const Key = z.looseObject({
  kid: z.string(),
  kty: z.literal('OKP'),
  crv: z.literal('Ed25519'),
  x: z.string(),
})

const route = createRoute({
  method: 'get',
  path: '/.well-known/jwks.json',
  operationId: 'getKeys',
  'x-access': 'public',
  tags: ['Keys'],
  summary: 'The public keys by which access tokens are verified (RFC 7517)',
  description: 'For a server that checks access tokens by itself. May be kept for 15 seconds.',
  responses: { 200: json(z.object({ keys: z.array(Key) }).openapi('Keys'), 'A JWK set'), ...problems },
} as const)

/** Publishes the keys that sign, signed lately, or will sign soon. */
export const getKeys = (ctx: Ctx) =>
  defineRoute(route, (c) => {
    c.header('Cache-Control', 'public, max-age=15')
    return c.json({ keys: z.array(Key).parse(ctx.keys.jwks().keys) }, 200)
  })
