/** A service of Plaza as the supervisor sees it. */
export type Service = {
  name: string
  /** Whether it has a database and a role of its own. */
  stores: boolean
}

/** The services; a new one adds its row here. */
export const services: readonly Service[] = [
  { name: 'auth', stores: true },
  { name: 'user', stores: true },
  { name: 'message', stores: true },
  { name: 'relay', stores: true },
  { name: 'websocket', stores: false },
]

export const databaseOf = (service: string) => `${service}_db`
export const roleOf = (service: string) => `plaza_${service}`
