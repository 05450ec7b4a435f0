import { expect, test } from 'bun:test'
import { z } from 'zod'
import { createWorld } from '../tests/_world.ts'

const { auth, sql } = await createWorld(import.meta.path)

test('200: public keys, and nothing secret; the private half is stored encrypted', async () => {
  const answer = await auth.client['.well-known']['jwks.json'].$get()
  expect(answer.status).toBe(200)
  const { keys } = z.object({ keys: z.array(z.looseObject({})) }).parse(await answer.json())
  expect(keys).toHaveLength(1)
  expect(keys[0]).toMatchObject({ kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA', use: 'sig' })
  expect(keys[0]).not.toHaveProperty('d')
  const [row] = await sql`select private_jwk_encrypted from signing_keys`
  expect(Buffer.from(row?.privateJwkEncrypted).toString('latin1')).not.toContain('"d"')
})
