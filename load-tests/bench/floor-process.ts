import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { connectSql } from '@plaza/kit/sql'
import { converse } from './child.ts'
import type { World } from './world.ts'

export type Floor = { pid: number; end(): void }

/**
 * Starts the floor on the parts of a running Plaza and gives it a way through the same gateway, without
 * forward-auth: `/floor`. `/bench/bare` and `/bench/known` lead to one trivial answer, past forward-auth or through it.
 */
export async function startFloor({ plaza }: World): Promise<Floor> {
  const { databases, parts, services } = await plaza.run()
  const urlOf = (name: string) => parts.find((part) => part.name === name)?.url ?? ''
  const own = new URL(databases.message ?? '')
  const sql = connectSql({ url: own.href, name: 'bench', connections: 1 })
  await sql`create schema floor`
  await sql.end()
  own.searchParams.set('search_path', 'floor')
  const child = converse('floor.ts', {
    DATABASE_URL: own.href,
    NATS_URL: urlOf('nats'),
    REDIS_URL: urlOf('redis'),
  })
  const { port } = await child.next<{ port: number }>()
  const user = services.flatMap((process) => process.services).find(({ name }) => name === 'user')
  await writeFile(join(plaza.data, 'traefik/dynamic/bench.yaml'), routes(port, user?.port ?? 0))
  await untilRouted(`${plaza.url}/bench/bare`)
  return { pid: child.pid, end: child.end }
}

const routes = (floorPort: number, trivialPort: number) =>
  JSON.stringify({
    http: {
      routers: {
        floor: { rule: 'PathPrefix(`/floor/`)', service: 'floor', priority: 500 },
        bare: {
          rule: 'Path(`/bench/bare`)',
          service: 'trivial',
          middlewares: ['trivial', 'carry'],
          priority: 500,
        },
        known: {
          rule: 'Path(`/bench/known`)',
          service: 'trivial',
          middlewares: ['known-users', 'trivial'],
          priority: 500,
        },
      },
      middlewares: { trivial: { replacePath: { path: '/health/live' } } },
      services: {
        floor: {
          loadBalancer: { serversTransport: 'services', servers: [{ url: `http://127.0.0.1:${floorPort}` }] },
        },
        trivial: {
          loadBalancer: {
            serversTransport: 'services',
            servers: [{ url: `http://127.0.0.1:${trivialPort}` }],
          },
        },
      },
    },
  })

async function untilRouted(url: string) {
  while ((await fetch(url)).status !== 200) await Bun.sleep(50)
}
