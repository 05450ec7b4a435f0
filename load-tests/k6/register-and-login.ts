import { login, register } from './http.ts'
import { arrivals, budgets } from './workloads.ts'

/** Newcomers register, others come back and log in: five log-ins a second when the load is average. */
export const options = {
  scenarios: {
    returning: arrivals('returning', 1 / 40),
    joining: arrivals('joining', 1 / 200),
  },
  thresholds: budgets({ 'http_req_duration{op:login}': ['p(95)<=150'] }),
}

export function setup() {
  return Array.from({ length: 10 }, () => register().user.username)
}

export function returning(usernames: string[]) {
  login(usernames[Math.floor(Math.random() * usernames.length)] ?? '')
}

export function joining() {
  register()
}
