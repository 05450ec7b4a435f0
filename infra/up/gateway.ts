import { type Instances, instancesInForce, startTraefik, writeInstances } from '../parts/traefik.ts'
import type { Progress } from '../tools/tool.ts'
import type { Folder } from './folder.ts'
import type { Keys } from './keys.ts'
import { addressesOf, type Plan, type ServiceProcess } from './plan.ts'
import { ownEnvironment } from './services.ts'

/** What Traefik is told about the services of this Plaza. */
export type Gateway = {
  start(progress: Progress): ReturnType<typeof startTraefik>
  /** Waits until every service is known to the gateway and healthy. */
  inForce(): Promise<void>
  /** Keeps new requests away from a process until `work` is done, where another instance can take them. */
  spare(process: ServiceProcess, work: () => Promise<void>): Promise<void>
}

export const createGateway = async (
  plan: Plan,
  folder: Folder,
  keys: Keys,
  pagesUrl: string,
): Promise<Gateway> => {
  const dir = folder.traefik
  const { gateway, admin, forwardAuth } = plan.ports
  const tell = async (without?: ServiceProcess) => {
    const addresses = { ...addressesOf(plan.processes, without), pages: [pagesUrl] }
    await writeInstances(dir, addresses)
    return addresses
  }
  await tell()
  return {
    start: (progress) =>
      startTraefik({
        dir,
        port: gateway,
        adminPort: admin,
        env: {
          ...ownEnvironment(),
          FORWARD_AUTH_URL: `https://127.0.0.1:${forwardAuth}/internal/v1/forward-auth`,
          FORWARD_AUTH_CA_FILE: keys.authority,
        },
        logFile: folder.log('traefik'),
        progress,
      }),
    inForce: () => {
      const addresses = addressesOf(plan.processes)
      return inForce(admin, Object.keys(addresses), addresses)
    },
    spare: async (process, work) => {
      const names = process.services.map(({ name }) => name)
      const alone = names.filter((name) => addressesOf(plan.processes, process)[name]?.length === 0)
      if (alone.length > 0) return work()
      await inForce(admin, names, await tell(process))
      try {
        await work()
      } finally {
        await inForce(admin, names, await tell())
      }
    },
  }
}

const inForce = async (admin: number, names: string[], addresses: Instances) => {
  await Promise.all(names.map((name) => instancesInForce(admin, name, addresses[name] ?? [])))
}
