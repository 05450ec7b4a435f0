import { runServices, type Service } from '@plaza/kit/service'

/** Every service in the order of their start: those that others call come first. Only what is run is loaded. */
const services: Record<string, () => Promise<Service>> = {
  auth: async () => (await import('@plaza/auth/main')).authService,
  user: async () => (await import('@plaza/user/main')).userService,
  message: async () => (await import('@plaza/message/main')).messageService,
  relay: async () => (await import('@plaza/relay/main')).relayService,
  websocket: async () => (await import('@plaza/websocket/main')).websocketService,
}

const known = Object.keys(services)
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !known.includes(name))
if (unknown.length > 0) {
  console.error(`plaza: there is no service ${unknown.join(', ')}; there are ${known.join(', ')}`)
  process.exit(1)
}
const chosen = Object.entries(services).filter(([name]) => wanted.length === 0 || wanted.includes(name))
await runServices(await Promise.all(chosen.map(([, load]) => load())))
