import { chmod, rm } from 'node:fs/promises'
import { Failure, messageOf } from '../failure.ts'

/** The longest path that every system takes for a socket. */
const longestPath = 100

/** A restart takes as long as it takes. The types know of no time-out on a unix socket, and `server.timeout` ends none. */
const patient: object = { idleTimeout: 0 }

/**
 * Takes commands by a unix socket: `POST /restart/message` restarts the instances of a service one after the
 * other, `POST /restart/message-2` that one, each out of the gateway's way meanwhile. A refusal is a 400 with its
 * reason in one line.
 */
export const serveControl = async (path: string, restart: (name: string) => Promise<string[]>) => {
  if (path.length > longestPath)
    throw new Failure(`the path ${path} is too long for a socket; choose another --data`)
  await rm(path, { force: true })
  const server = Bun.serve({
    unix: path,
    ...patient,
    fetch: async (request) => {
      const [, command, name] = new URL(request.url).pathname.split('/')
      if (request.method !== 'POST' || command !== 'restart' || !name)
        return new Response('no such command', { status: 404 })
      return restart(name).then(
        (restarted) => Response.json({ restarted }),
        (error) => new Response(messageOf(error), { status: 400 }),
      )
    },
  })
  await chmod(path, 0o600)
  return { stop: () => server.stop(true) }
}
