import { check } from 'k6'
import http from 'k6/http'
import { uuidv4 } from './uuid.ts'

/** Where Plaza's gateway is. */
export const base = __ENV.PLAZA_URL || 'http://127.0.0.1:8000'

export type Session = { user: { id: string; username: string }; accessToken: string; refreshToken: string }
export type Ticket = { ticket: string }

const password = 'correct horse battery staple 42'

/** Each function is one operation of the API and carries its name as the tag `op`. */
export function register(): Session {
  const name = `k6${uuidv4().replace(/-/g, '').slice(0, 20)}`
  return post<Session>('register', '/api/v1/auth/register', 201, {
    username: name,
    email: `${name}@example.org`,
    password,
  })
}

export const login = (username: string): Session =>
  post<Session>('login', '/api/v1/auth/login', 200, { login: username, password })

export const refresh = ({ refreshToken }: Session): Session =>
  post<Session>('refresh', '/api/v1/auth/refresh', 200, { refreshToken })

export const createConversation = (session: Session, userId: string): { id: string } =>
  post('createConversation', '/api/v1/conversations', 201, { userId }, session)

export const createMessage = (
  session: Session,
  conversationId: string,
  text: string,
): { id: string; seq: number } =>
  post('createMessage', `/api/v1/conversations/${conversationId}/messages`, 201, { text }, session)

export const createTicket = (session: Session): Ticket =>
  post('createTicket', '/api/v1/ws/ticket', 201, {}, session)

export function listMessages(session: Session, conversationId: string): { items: unknown[] } {
  const answer = http.get(`${base}/api/v1/conversations/${conversationId}/messages?limit=50`, {
    headers: { authorization: `Bearer ${session.accessToken}` },
    tags: { op: 'listMessages', name: 'listMessages' },
  })
  check(answer, { 'listMessages answers 200': ({ status }) => status === 200 })
  return answer.json() as { items: unknown[] }
}

function post<T>(op: string, path: string, status: number, body: unknown, session?: Session): T {
  const answer = http.post(base + path, JSON.stringify(body), {
    headers: {
      'content-type': 'application/json',
      'idempotency-key': uuidv4(),
      ...(session ? { authorization: `Bearer ${session.accessToken}` } : {}),
    },
    tags: { op, name: op },
  })
  check(answer, { [`${op} answers ${status}`]: (got) => got.status === status })
  return answer.json() as T
}
