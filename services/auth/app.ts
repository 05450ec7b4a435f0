import { newApp } from '@plaza/kit/app'
import type { Ctx } from './context.ts'
import { banUser } from './routes/ban-user.ts'
import { changePassword } from './routes/change-password.ts'
import { checkRevocation } from './routes/check-revocation.ts'
import { deleteMe } from './routes/delete-me.ts'
import { endSessionsOfUser } from './routes/end-sessions-of-user.ts'
import { forgotPassword } from './routes/forgot-password.ts'
import { getErasure } from './routes/get-erasure.ts'
import { getKeys } from './routes/get-keys.ts'
import { getMe } from './routes/get-me.ts'
import { getUser } from './routes/get-user.ts'
import { getUserAsAdmin } from './routes/get-user-as-admin.ts'
import { listSessions } from './routes/list-sessions.ts'
import { listUsers } from './routes/list-users.ts'
import { login } from './routes/login.ts'
import { logout } from './routes/logout.ts'
import { logoutDevice } from './routes/logout-device.ts'
import { logoutEverywhere } from './routes/logout-everywhere.ts'
import { refresh } from './routes/refresh.ts'
import { register } from './routes/register.ts'
import { requestEmailVerification } from './routes/request-email-verification.ts'
import { resetPassword } from './routes/reset-password.ts'
import { setRole } from './routes/set-role.ts'
import { unbanUser } from './routes/unban-user.ts'
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
    deleteMe(ctx),
    getErasure(ctx),
    listUsers(ctx),
    getUserAsAdmin(ctx),
    setRole(ctx),
    banUser(ctx),
    unbanUser(ctx),
    endSessionsOfUser(ctx),
    getKeys(ctx),
    checkRevocation(ctx),
    getUser(ctx),
  ])
