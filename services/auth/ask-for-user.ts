import type { Fetch } from '@plaza/kit/peers'
import { Problem } from '@plaza/kit/problem'

/** What auth answers another service about a user; undefined for nobody. Throws unavailable when it cannot say. */
export async function askForUser(auth: Fetch, userId: string): Promise<Response | undefined> {
  const answer = await auth(`http://auth/internal/v1/users/${userId}`)
  if (answer.status === 404) return undefined
  if (answer.ok) return answer
  throw new Problem('unavailable', 'Nobody can say who this is', {
    cause: `auth answered ${answer.status}`,
    retryAfterSeconds: 1,
  })
}
