import { readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Failure } from './failure.ts'
import { eventsPage } from './pages/events.ts'
import { operationsPage } from './pages/operations.ts'

const documents = join(import.meta.dir, '../docs')
const swagger = dirname(Bun.resolveSync('swagger-ui-dist/package.json', import.meta.dir))
const assets = ['swagger-ui-bundle.js', 'swagger-ui.css', 'favicon-32x32.png']

export type Pages = { url: string; stop(): Promise<void> }

/**
 * Serves what the gateway shows when no service can: the bodies of its own errors, and the API documents. It is
 * no service: it has no state and stands as long as the gateway does. Throws Failure when the port is taken.
 */
export const servePages = (port: number, hostname = '127.0.0.1'): Pages => {
  try {
    const server = Bun.serve({ port, hostname, idleTimeout: 120, fetch: answer })
    return { url: `http://${hostname}:${port}`, stop: () => server.stop(true) }
  } catch {
    throw new Failure(`port ${port} of the pages is taken`)
  }
}

const answer = async (request: Request): Promise<Response> => {
  const { pathname } = new URL(request.url)
  const [, first = '', ...rest] = pathname.split('/')
  if (first === 'problem') return problem(Number(rest[0]), request)
  if (first === '') return Response.redirect('/docs', 302)
  if (first === 'health') return new Response('ok')
  // The gateway sends the requests of a service here while none of its instances is well.
  if (first !== 'docs') return problem(503, request)
  return (await document(rest.join('/'))) ?? problem(404, request)
}

/** A page or document below /docs. Names are looked up in lists, so none can lead out of the folders. */
const document = async (path: string): Promise<Response | undefined> => {
  const services = await namesOfServices()
  if (path === '') return page(operationsPage(services))
  if (path === 'events') return page(await eventsPage(join(documents, 'asyncapi.json')))
  if (path === 'asyncapi.json') return file(join(documents, path))
  if (services.some((name) => path === `openapi/${name}.json`)) return file(join(documents, path))
  return assets.includes(path) ? file(join(swagger, path)) : undefined
}

const namesOfServices = async (): Promise<string[]> => {
  const names = await readdir(join(documents, 'openapi')).catch(() => [])
  return names
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
    .sort()
}

const page = (html: string) => new Response(html, { headers: { 'content-type': 'text/html; charset=utf-8' } })

const file = async (path: string) => {
  const found = Bun.file(path)
  return (await found.exists()) ? new Response(found) : undefined
}

const problems: Record<number, { code: string; title: string; detail?: string; reason?: string }> = {
  400: {
    code: 'invalid',
    title: 'The request is not valid',
    detail: 'The path holds a sign that no path needs',
  },
  404: { code: 'not_found', title: 'There is nothing at this address' },
  413: {
    code: 'invalid',
    title: 'The request is not valid',
    detail: 'The body is larger than 1 MiB',
    reason: 'too_large',
  },
  503: { code: 'unavailable', title: 'The service does not answer right now' },
}

const problem = (asked: number, request: Request): Response => {
  const status = problems[asked] ? asked : 503
  const requestId = request.headers.get('x-request-id') ?? crypto.randomUUID()
  const body = { type: 'about:blank', status, ...problems[status], requestId }
  const headers = new Headers({ 'content-type': 'application/problem+json', 'x-request-id': requestId })
  if (status === 503) headers.set('retry-after', '1')
  return new Response(JSON.stringify(body), { status, headers })
}
