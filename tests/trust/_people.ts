import { z } from 'zod'

/** Somebody who is logged in on one device. */
export type Person = {
  id: string
  username: string
  password: string
  sessionId: string
  accessToken: string
  refreshToken: string
}

const Session = z.object({
  user: z.object({ id: z.string(), username: z.string() }),
  sessionId: z.string(),
  accessToken: z.string(),
  refreshToken: z.string(),
})

const password = 'late otters juggle 7 plums'

/** Calls an operation as somebody, or as nobody. */
export const call = (base: string, method: string, path: string, token?: string, body?: unknown) =>
  fetch(base + path, {
    method,
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })

const enter = async (base: string, operation: string, body: object): Promise<Person> => {
  const answer = await call(base, 'POST', `/api/v1/auth/${operation}`, undefined, body)
  if (!answer.ok) throw new Error(`${operation} answered ${answer.status}: ${await answer.text()}`)
  const { user, ...session } = Session.parse(await answer.json())
  return { ...user, ...session, password }
}

/** Somebody new. */
export function register(base: string): Promise<Person> {
  const username = `p${crypto.randomUUID().replaceAll('-', '').slice(0, 16)}`
  return enter(base, 'register', { username, email: `${username}@example.org`, password })
}

/** The same person on another device. */
export const logIn = (base: string, { username }: Pick<Person, 'username'>): Promise<Person> =>
  enter(base, 'login', { login: username, password })

/** The session that a refresh token continues. Throws when it is refused. */
export const refresh = (base: string, { refreshToken }: Pick<Person, 'refreshToken'>): Promise<Person> =>
  enter(base, 'refresh', { refreshToken })
