import { expect, test } from 'bun:test'
import { createLog } from '@plaza/kit/log'
import { storesOf } from './where.ts'

const stores = (environment: Record<string, string>) => storesOf({ environment, log: createLog('silent') })

test("each service's database is known by its own variable, and a container's by the plain one, once", () => {
  expect(stores({ AUTH_DATABASE_URL: 'postgres://a', RELAY_DATABASE_URL: 'postgres://r' })).toEqual([
    'auth',
    'relay',
  ])
  expect(stores({ DATABASE_URL: 'postgres://m' })).toHaveLength(1)
  expect(stores({})).toEqual([])
})
