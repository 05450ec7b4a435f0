import { newApp } from '@plaza/kit/app'
import type { Ctx } from './context.ts'
import { changePassword } from './routes/change-password.ts'
import { checkRevocation } from './routes/check-revocation.ts'
import { forgotPassword } from './routes/forgot-password.ts'
import { getKeys } from './routes/get-keys.ts'
import { getMe } from './routes/get-me.ts'
import { getUser } from './routes/get-user.ts'
import { listSessions } from './routes/list-sessions.ts'
import { login } from './routes/login.ts'
import { logout } from './routes/logout.ts'
import { logoutDevice } from './routes/logout-device.ts'
import { logoutEverywhere } from './routes/logout-everywhere.ts'
import { refresh } from './routes/refresh.ts'
import { register } from './routes/register.ts'
import { requestEmailVerification } from './routes/request-email-verification.ts'
import { resetPassword } from './routes/reset-password.ts'
import { validateToken } from './routes/validate-token.ts'
import { verifyEmail } from './routes/verify-email.ts'

/** The list of auth's operations. */
export const createApp = (ctx: Ctx) =>
  newApp(ctx).openapiRoutes([
    register(ctx),
    login(ctx),
    refresh(ctx),
    logout(ctx),
    logoutEverywhere(ctx),
    getMe(ctx),
    validateToken(ctx),
    listSessions(ctx),
    logoutDevice(ctx),
    changePassword(ctx),
    forgotPassword(ctx),
    resetPassword(ctx),
    verifyEmail(ctx),
    requestEmailVerification(ctx),
    getKeys(ctx),
    checkRevocation(ctx),
    getUser(ctx),
  ])
