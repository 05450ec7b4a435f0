import { hc } from 'hono/client'
import type { createApp } from './app.ts'

/** The types of all operations; `hono/client` derives a client from them. */
export type WebsocketApi = ReturnType<typeof createApp>

type Options = Parameters<typeof hc>[1]

/** A typed client of this service, for other services (with `fetch` from `host.peer`) and for tests. */
export const websocketClient = (url: string, options?: Options) => hc<WebsocketApi>(url, options)
