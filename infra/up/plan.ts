import { gatewayPort, servicePorts } from '@plaza/kit/ports'
import { freePort } from '../ports.ts'
import type { Options } from './options.ts'
import { services } from './registry.ts'

/** A process that runs services, each on its own port. */
export type ServiceProcess = { name: string; services: { name: string; port: number }[] }

export type Ports = {
  gateway: number
  /** Traefik's own, for probes and the supervisor. */
  admin: number
  pages: number
  forwardAuth: number
  postgres: number
  nats: number
  redis: number
}

export type Plan = { ports: Ports; processes: ServiceProcess[] }

/** Which processes run what and where. Ports stand at a fixed distance from the gateway's unless one is taken. */
export const makePlan = async ({ port, each, scale }: Options): Promise<Plan> => {
  const ports = {
    gateway: port,
    admin: await freePort(port + 80),
    pages: await freePort(port + 90),
    forwardAuth: await freePort(port + 401),
    postgres: await freePort(port + 432),
    nats: await freePort(port + 222),
    redis: await freePort(port + 379),
  }
  const together: ServiceProcess = { name: 'services', services: [] }
  const processes = each ? [] : [together]
  for (const { name } of services) {
    const offset = (servicePorts[name] ?? 0) - gatewayPort
    const first = { name, port: await freePort(port + offset) }
    if (each) processes.push({ name: `${name}-1`, services: [first] })
    else together.services.push(first)
    for (let instance = 2; instance <= (scale.get(name) ?? 1); instance++)
      processes.push({ name: `${name}-${instance}`, services: [{ name, port: await freePort() }] })
  }
  return { ports, processes }
}

/** The addresses of all instances, by service; `without` leaves a process out. */
export const addressesOf = (
  processes: ServiceProcess[],
  without?: ServiceProcess,
): Record<string, string[]> => {
  const addresses: Record<string, string[]> = {}
  for (const process of processes)
    for (const { name, port } of process.services) {
      addresses[name] ??= []
      if (process !== without) addresses[name].push(`http://127.0.0.1:${port}`)
    }
  return addresses
}
