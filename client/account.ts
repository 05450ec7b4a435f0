import type { Api } from './api.ts'
import { PlazaError } from './error.ts'
import type { Exchange } from './exchange.ts'
import type { SessionKeeper } from './session.ts'
import type { Device, Erasure, Me, Session } from './wire.ts'

type Registration = { username: string; email: string; password: string; device?: { name: string } }
type LogIn = { login: string; password: string; device?: { name: string } }

const root = '/api/v1/auth'

/** Everything about one's own account. */
export function createAccount(exchange: Exchange, api: Api, session: SessionKeeper) {
  const logIn = async (body: LogIn): Promise<Me> => {
    const answer = await exchange<Session>('POST', `${root}/login`, { body })
    await session.take(answer)
    return answer.user
  }
  return {
    /** Makes an account and logs in. */
    async register(body: Registration): Promise<Me> {
      try {
        const answer = await exchange<Session>('POST', `${root}/register`, { body })
        await session.take(answer)
        return answer.user
      } catch (error) {
        if (!(error instanceof PlazaError) || error.code !== 'unreachable') throw error
        // Only the answer may have been lost; then the account is there and the password opens it.
        const { username: login, password, device } = body
        return await logIn({ login, password, ...(device ? { device } : {}) }).catch(() => {
          throw error
        })
      }
    },
    /** Logs in by user name or mail address. */
    logIn,
    /** Ends the session on this device; it is forgotten here even when the server cannot be told. */
    async logOut(): Promise<void> {
      const left = await session.current()
      const told = api.call<void>('POST', `${root}/logout`, { repeat: true })
      await told.finally(() => left && session.forget(left))
    },
    /** Ends the sessions on all devices. */
    async logOutEverywhere(): Promise<void> {
      const left = await session.current()
      await api.call('POST', `${root}/logout-everywhere`, { repeat: true })
      if (left) await session.forget(left)
    },
    /** The session as it is; null when nobody is logged in. */
    session: () => session.current(),
    me: () => api.call<Me>('GET', `${root}/me`),
    devices: () => api.list<Device>(`${root}/sessions`),
    endDevice: (sessionId: string) => api.call<void>('DELETE', `${root}/sessions/${sessionId}`),
    changePassword: (currentPassword: string, newPassword: string) =>
      api.call<void>('POST', `${root}/password/change`, { body: { currentPassword, newPassword } }),
    forgotPassword: (email: string) =>
      exchange<void>('POST', `${root}/password/forgot`, { body: { email }, repeat: true }),
    resetPassword: (token: string, newPassword: string) =>
      exchange<void>('POST', `${root}/password/reset`, { body: { token, newPassword } }),
    verifyEmail: (token: string) => exchange<void>('POST', `${root}/email/verify`, { body: { token } }),
    /** Starts the erasure of everything; `erasure` tells how far it is. */
    deleteAccount: (password: string) =>
      api.call<{ erasureId: string }>('DELETE', `${root}/me`, { body: { password } }),
    erasure: (erasureId: string) => exchange<Erasure>('GET', `${root}/erasures/${erasureId}`),
  }
}
