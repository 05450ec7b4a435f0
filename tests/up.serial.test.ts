import { afterAll, expect, test } from 'bun:test'
import { existsSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { readRun } from '@plaza/infra/run'
import { type Plaza, startPlaza } from './plaza.ts'

const plaza = await startPlaza({ each: true, scale: { user: 2 } })
afterAll(() => plaza.stop())

const pids = async (of: Plaza) => {
  const { parts, services } = await of.run()
  return new Map([...parts, ...services].map(({ name, pid }) => [name, pid]))
}
const lives = (pid: number) => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
const until = async (holds: () => boolean | Promise<boolean>) => {
  while (!(await holds())) await Bun.sleep(50)
}

/** A second `up`, which is expected to refuse. */
const tryUp = async (...options: string[]) => {
  const entry = Bun.resolveSync('@plaza/infra/up', import.meta.dir)
  const child = Bun.spawn([process.execPath, entry, ...options], { stdout: 'ignore', stderr: 'pipe' })
  return { complaint: (await child.stderr.text()).trim(), code: await child.exited }
}

test('every part and every service is answered for, each by a process of its own', async () => {
  const { parts, services } = await plaza.run()
  expect(parts.map(({ name }) => name)).toEqual(['postgres', 'redis', 'nats', 'traefik'])
  expect(services.map(({ name }) => name).sort()).toEqual(
    ['auth-1', 'message-1', 'relay-1', 'user-1', 'user-2', 'websocket-1'].sort(),
  )
  expect((await fetch(`${plaza.url}/.well-known/jwks.json`)).status).toBe(200)
})

test('the log of a first start tells of no loss and no pause', () => {
  expect(plaza.logs()).toContain('listening')
  expect(plaza.logs()).not.toMatch(/ warn | error |paused|refilled|forgotten/)
})

test.each([
  ['redis', ['auth', 'relay', 'websocket']],
  ['nats', ['auth', 'message', 'relay', 'user', 'user', 'websocket']],
])(
  'an outage of %s is told once by each process, by its name, and once when it is over',
  async (part, names) => {
    const before = plaza.logs().length
    const pid = (await pids(plaza)).get(part)
    const told = (what: string) =>
      [
        ...plaza
          .logs()
          .slice(before)
          .matchAll(new RegExp(` warn {2}(\\w+) +${part} is ${what}`, 'g')),
      ]
        .map(([, name]) => name ?? '')
        .sort()
    await plaza.kill(part)
    await until(() => told('back').length >= names.length)
    await until(async () => (await pids(plaza)).get(part) !== pid)
    expect(told('away')).toEqual(names)
    expect(told('back')).toEqual(names)
  },
)

test('what it keeps is private', async () => {
  const modeOf = async (name: string) => ((await stat(join(plaza.data, name))).mode & 0o777).toString(8)
  for (const name of ['run.json', 'control.sock']) expect(await modeOf(name)).toBe('600')
  for (const name of ['keys', 'mail', 'nats', 'redis', 'postgres', 'logs', 'traefik'])
    expect(await modeOf(name)).toBe('700')
})

// Other systems have one loopback address only.
test.skipIf(process.platform !== 'linux')('only the gateway listens beyond the loopback', async () => {
  const { parts, services, admin } = await plaza.run()
  const ports = [
    ...parts.filter(({ name }) => name !== 'traefik').map(({ port }) => port),
    ...services.flatMap((process) => process.services.map(({ port }) => port)),
    Number(new URL(admin).port),
  ]
  for (const port of ports) expect(await opensAt('127.0.0.2', port)).toBe(true)
})

test('whatever is killed comes back', async () => {
  const before = await pids(plaza)
  for (const name of before.keys()) await plaza.kill(name)
  await until(async () => [...(await pids(plaza))].every(([name, pid]) => pid !== before.get(name)))
  await plaza.waitReady()
  await until(
    async () => (await fetch(`${plaza.url}/.well-known/jwks.json`).catch(() => undefined))?.status === 200,
  )
})

test('a second one on the same data, or at the same port, is refused in one line', async () => {
  const { port } = new URL(plaza.url)
  const sameData = await tryUp('--port', '1', '--data', plaza.data)
  expect(sameData.code).toBe(1)
  expect(sameData.complaint).toMatch(
    /^plaza: a Plaza already runs on .*\/plaza-\S+, at http:\S+ \(process \d+\)$/,
  )

  const samePort = await tryUp('--port', port, '--data', join(plaza.data, 'another'))
  expect(samePort.code).toBe(1)
  expect(samePort.complaint).toBe(
    `plaza: port ${port} is taken or not ours to take; choose another with --port`,
  )
  expect(existsSync(join(plaza.data, 'another'))).toBe(false)

  const itself = await tryUp('--port', port, '--data', plaza.data)
  expect(itself.complaint).toContain('a Plaza already runs on')
})

test.skipIf(!Bun.which('bash') || !Bun.which('curl'))('the line to try can be repeated', async () => {
  const [, line = ''] = /^ {2}Try {5}(.*)$/m.exec(plaza.logs()) ?? []
  for (let times = 0; times < 2; times++) {
    const command = `${line} --silent --output /dev/null --write-out '%{http_code}'`
    expect(await Bun.$`bash -c ${command}`.text()).toBe('201')
  }
})

test('a rolling restart fails no request', async () => {
  const before = await pids(plaza)
  const statuses: number[] = []
  let rolling = true
  const ask = async () => {
    while (rolling) statuses.push((await fetch(`${plaza.url}/api/v1/users/nobody`)).status)
  }
  const askers = Array.from({ length: 8 }, ask)
  await until(() => statuses.length > 100)
  await plaza.restart('user')
  rolling = false
  await Promise.all(askers)
  expect(statuses.filter((status) => status !== 401)).toEqual([])
  const after = await pids(plaza)
  for (const name of ['user-1', 'user-2']) expect(after.get(name)).not.toBe(before.get(name))
})

test('a killed one leaves nothing, and the next start finds everything again', async () => {
  const before = await pids(plaza)
  await plaza.kill('up')
  await until(() => [...before.values()].every((pid) => !lives(pid)))
  await plaza.start()
  expect((await fetch(`${plaza.url}/.well-known/jwks.json`)).status).toBe(200)
})

test('it ends cleanly: exit code 0, Postgres shut down, nothing left', async () => {
  const before = await pids(plaza)
  expect(await plaza.end()).toBe(0)
  expect([...before.values()].filter(lives)).toEqual([])
  expect(await readRun(plaza.data)).toBeUndefined()
  expect(await Bun.file(join(plaza.data, 'logs/postgres.log')).text()).toContain(
    'database system is shut down',
  )
})

/** Whether another loopback address is free at a port, which it is not when somebody listens on all addresses. */
const opensAt = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
  })
