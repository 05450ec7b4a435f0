/** A service of Plaza as the supervisor sees it. */
export type Service = {
  name: string
  /** Its port is the gateway's port plus this. */
  offset: number
  /** Whether it has a database and a role of its own. */
  stores: boolean
}

/** The services in the order of their ports; a new one adds its row here. */
export const services: readonly Service[] = [
  { name: 'auth', offset: 1, stores: true },
  { name: 'user', offset: 2, stores: true },
  { name: 'message', offset: 3, stores: true },
  { name: 'relay', offset: 6, stores: true },
  { name: 'websocket', offset: 8, stores: false },
]

export const databaseOf = (service: string) => `${service}_db`
export const roleOf = (service: string) => `plaza_${service}`
