import type { OpenAPIHono } from '@hono/zod-openapi'
import { createApp as createAuth } from '@plaza/auth/app'
import type { AppEnv } from '@plaza/kit/route'
import { createApp as createMessage } from '@plaza/message/app'
import { createApp as createRelay } from '@plaza/relay/app'
import { createApp as createUser } from '@plaza/user/app'
import { createApp as createWebsocket } from '@plaza/websocket/app'
import { conventions } from './conventions.ts'

type Described = { title: string; description: string; app(): OpenAPIHono<AppEnv> }

/** The services that people call, with what the page says of them. */
export const services: Record<string, Described> = {
  auth: {
    title: 'Accounts',
    description: 'Registration, log-in, devices, passwords, roles, and the end of an account.',
    app: () => createAuth(unused()),
  },
  user: {
    title: 'People',
    description: 'Profiles, search, contacts, blocks and privacy.',
    app: () => createUser(unused()),
  },
  message: {
    title: 'Messages',
    description: 'Direct conversations: sending, history, edits, reactions, receipts, search.',
    app: () => createMessage(unused()),
  },
  relay: {
    title: 'Mailbox',
    description: 'What waits for a person who is away.',
    app: () => createRelay(unused()),
  },
  websocket: {
    title: 'Live',
    description:
      'The socket and its ticket. The frames on it are described at /docs/events and in asyncapi.json.',
    app: () => createWebsocket(unused()),
  },
}

/** The OpenAPI 3.1 document of a service's public operations. Throws when there is no such service. */
export const openApiOf = (name: string): object => {
  const described = services[name]
  if (!described) throw new Error(`there is no service ${name}`)
  const { title, description, app: create } = described
  const app = create()
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'The access token of a session',
  })
  const document = app.getOpenAPI31Document({
    openapi: '3.1.0',
    info: {
      title: `Plaza: ${title}`,
      version: '1',
      description: `${description}\n\n${conventions}`,
      license: { name: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The gateway that serves this page' }],
  })
  for (const item of Object.values(document.paths ?? {}))
    for (const operation of Object.values(item))
      if (isOperation(operation))
        operation.security = operation['x-access'] === 'public' ? [] : [{ bearer: [] }]
  return document
}

type Operation = { 'x-access': string; security?: Record<string, string[]>[] }

const isOperation = (value: unknown): value is Operation =>
  typeof value === 'object' && value !== null && 'x-access' in value

/**
 * Stands for a context whose parts nothing uses: making the list of operations does no work, so any part
 * may be asked for and none does anything. The cast is what makes it fit every service.
 */
const unused = <Ctx>(): Ctx => inert as Ctx

const inert: unknown = new Proxy(() => {}, {
  get: (_target, key) => (typeof key === 'symbol' ? undefined : inert),
  apply: () => inert,
})
