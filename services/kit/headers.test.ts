import { expect, test } from 'bun:test'
import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { readDeclaredHeaders } from './headers.ts'
import type { AppEnv } from './route.ts'

const app = new OpenAPIHono<AppEnv>()
readDeclaredHeaders(app, (error) => {
  throw new Error(`refused: ${error.issues[0]?.path.join('.')}`)
})
app.onError((error, c) => c.text(error.message, 400))
const routeOf = (path: string, hide = false) =>
  createRoute({
    ...{ method: 'get', path, hide },
    request: {
      headers: z.object({ 'x-colour': z.enum(['red', 'blue']).optional() }),
      query: z.object({ size: z.coerce.number() }),
    },
    responses: { 200: { description: 'What was read' } },
  } as const)
for (const route of [routeOf('/things'), routeOf('/hidden', true)])
  app.openapi(route, (c) => c.text(JSON.stringify({ ...c.req.valid('header'), ...c.req.valid('query') })))

const ask = (path: string, headers: Record<string, string>) => app.request(path, { headers })

test('a declared header reaches the handler beside what else was checked, and no other does', async () => {
  const answer = await ask('/things?size=3', { 'X-Colour': 'red', 'x-other': 'x' })
  expect(await answer.json()).toEqual({ 'x-colour': 'red', size: 3 })
  expect(await (await ask('/hidden?size=3', {})).json()).toEqual({ size: 3 })
})

test('a header that does not fit is refused by its name', async () => {
  const answer = await ask('/things?size=3', { 'x-colour': 'green' })
  expect(answer.status).toBe(400)
  expect(await answer.text()).toBe('refused: x-colour')
})

test('the document tells of the header once, and of nothing hidden', () => {
  const { paths } = app.getOpenAPI31Document({ openapi: '3.1.0', info: { title: 'Things', version: '1' } })
  expect(Object.keys(paths ?? {})).toEqual(['/things'])
  expect(paths?.['/things']?.get?.parameters).toMatchObject([
    { in: 'query', name: 'size' },
    { in: 'header', name: 'x-colour' },
  ])
})
