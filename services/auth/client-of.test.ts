import { expect, test } from 'bun:test'
import { Hono } from 'hono'
import { clientOf, networkOf } from './client-of.ts'

const ask = async (headers: Record<string, string>, proxies = 1) =>
  (await new Hono().get('/', (c) => c.json(clientOf(c, proxies))).request('/', { headers })).json()

test("the address is what the gateway says, and not what a caller put in front of the gateway's", async () => {
  expect(await ask({ 'x-forwarded-for': '192.0.2.1', 'x-real-ip': '6.6.6.6' })).toMatchObject({
    ip: '192.0.2.1',
  })
  expect(await ask({ 'x-forwarded-for': "'; drop table users" })).toMatchObject({ ip: null })
  expect(await ask({ 'user-agent': 'x'.repeat(999) })).toMatchObject({ userAgent: 'x'.repeat(256), ip: null })
})

test('behind proxies it is what the first of them heard, whatever stands before', async () => {
  expect(await ask({ 'x-forwarded-for': '6.6.6.6, 192.0.2.1, 10.0.0.1' })).toMatchObject({ ip: '192.0.2.1' })
  expect(await ask({ 'x-forwarded-for': '6.6.6.6, 192.0.2.1, 10.0.0.1, 10.0.0.2' }, 2)).toMatchObject({
    ip: '192.0.2.1',
  })
})

test('an IPv6 household is one network, an IPv4 address its own', () => {
  expect(networkOf('192.0.2.1')).toBe('192.0.2.1')
  expect(networkOf('2001:db8::1')).toBe(networkOf('2001:db8:0:0:ffff::2'))
  expect(networkOf('2001:db8:0:1::1')).not.toBe(networkOf('2001:db8::1'))
  expect(networkOf('::1')).toBe('0:0:0:0')
})
