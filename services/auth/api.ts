import { hc } from 'hono/client'
import type { createApp } from './app.ts'

export type AuthApi = ReturnType<typeof createApp>

type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>

/** A typed client of auth's routes at a base URL. */
export const authClient = (url: string, fetch?: Fetch) => hc<AuthApi>(url, fetch ? { fetch } : undefined)
