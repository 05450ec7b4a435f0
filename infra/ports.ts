import { createServer } from 'node:net'
import { codeOf } from './failure.ts'

/** Ports already given out by this process, so that two parts chosen in one breath do not get the same one. */
const given = new Set<number>()

/** Whether nobody listens on the port and we may. */
export const isFree = (port: number, host = '127.0.0.1'): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error) => resolve(codeOf(error) !== 'EADDRINUSE' && codeOf(error) !== 'EACCES'))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })

/**
 * A free port on the loopback: the preferred one when it is free. Others are taken from below the range the
 * kernel gives to outgoing connections, so that a part can come back on its port after it was away.
 */
export const freePort = async (preferred?: number): Promise<number> => {
  for (let candidate = preferred ?? anyPort(); ; candidate = anyPort()) {
    if (given.has(candidate)) continue
    given.add(candidate)
    if (await isFree(candidate)) return candidate
    given.delete(candidate)
  }
}

const anyPort = () => 15_000 + Math.floor(Math.random() * 17_000)
