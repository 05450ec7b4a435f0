import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure } from '../failure.ts'
import { servePages } from '../pages.ts'
import { startNats } from '../parts/nats.ts'
import type { Part } from '../parts/part.ts'
import { startPostgres } from '../parts/postgres.ts'
import { startRedis } from '../parts/redis.ts'
import { isFree } from '../ports.ts'
import type { Progress } from '../tools/tool.ts'
import { serveControl } from './control.ts'
import { ensureDatabases } from './databases.ts'
import { type Folder, isUsed, takeFolder } from './folder.ts'
import { createGateway, type Gateway } from './gateway.ts'
import { type Kept, keep } from './keep.ts'
import { ensureKeys, type Keys } from './keys.ts'
import { clock, readable } from './lines.ts'
import type { Options } from './options.ts'
import { makePlan, type Plan, type ServiceProcess } from './plan.ts'
import { type Run, writeRun } from './run-file.ts'
import { databaseUrl, startServices } from './services.ts'

/** Brings a whole Plaza and keeps it running; `ends` takes what must be ended, the last first. Throws Failure. */
export const bringUp = async (options: Options, ends: AsyncDisposableStack): Promise<void> => {
  const began = Date.now()
  const portTaken = (await isFree(options.port, '::'))
    ? undefined
    : new Failure(`port ${options.port} is taken or not ours to take; choose another with --port`)
  // In a folder that is used already, it may be this Plaza itself that runs there; no other is made for nothing.
  if (portTaken && !isUsed(options.data)) throw portTaken
  const { folder, lock } = await takeFolder(options.data)
  ends.use(lock)
  if (portTaken) throw portTaken
  const plan = await makePlan(options)
  const keys = await step('keys', () => ensureKeys(folder.keys))
  const pages = servePages(plan.ports.pages)
  ends.defer(() => pages.stop())

  const running: Running = { parts: [], services: new Map() }
  const record = () => writeRun(folder.data, describe(plan, folder, keys, running))
  const supervise = (name: string, start: (progress: Progress, unwanted: AbortSignal) => Promise<Part>) =>
    step(name, (progress) => keep({ start: (unwanted) => start(progress, unwanted), say, changed: record }))

  const gateway = await createGateway(plan, folder, keys, pages.url)
  const starts = { ...partsOf(plan, folder, keys), traefik: gateway.start }
  const parts = [
    supervise('postgres', starts.postgres),
    supervise('redis', starts.redis),
    supervise('nats', starts.nats),
    supervise('traefik', starts.traefik),
  ]
  await Promise.allSettled(parts)
  for (const starting of parts) {
    const part = await starting
    running.parts.push(part)
    ends.defer(() => part.stop())
  }
  const urlOf = (name: string) => running.parts.find((part) => part.name === name)?.current().url ?? ''
  await step('databases', () => ensureDatabases(urlOf('postgres'), keys.passwords.roles))

  const around = {
    plan,
    keys,
    postgresUrl: urlOf('postgres'),
    natsUrl: urlOf('nats'),
    redisUrl: urlOf('redis'),
    mailFolder: folder.mail,
  }
  const hear = (line: string) => console.log(readable(line))
  ends.defer(async () => {
    await Promise.all([...running.services.values()].map((kept) => kept.stop()))
  })
  const bring = async (process: ServiceProcess) => {
    const kept = await supervise(process.name, (progress, unwanted) =>
      startServices(process, around, { hear, progress, unwanted }),
    )
    running.services.set(process, kept)
  }
  await Promise.all(plan.processes.map(bring))
  await gateway.inForce()

  const control = await serveControl(folder.control, restarter(plan, gateway, running.services))
  ends.defer(() => control.stop())
  record()
  ends.defer(() => rm(join(folder.data, 'run.json'), { force: true }))
  welcome(options.port, folder, (Date.now() - began) / 1000)
}

type Running = { parts: Kept[]; services: Map<ServiceProcess, Kept> }

const partsOf = ({ ports }: Plan, folder: Folder, { passwords }: Keys) => ({
  postgres: (progress: Progress) =>
    startPostgres({
      dir: folder.of('postgres'),
      port: ports.postgres,
      password: passwords.postgres,
      logFile: folder.log('postgres'),
      progress,
    }),
  nats: (progress: Progress) =>
    startNats({
      dir: folder.of('nats'),
      port: ports.nats,
      password: passwords.nats,
      logFile: folder.log('nats'),
      progress,
    }),
  redis: (progress: Progress) =>
    startRedis({
      dir: folder.of('redis'),
      port: ports.redis,
      password: passwords.redis,
      logFile: folder.log('redis'),
      progress,
      ...(process.env.REDIS_MAX_MEMORY && { maxMemory: process.env.REDIS_MAX_MEMORY }),
    }),
})

/** One at a time, so that a service never loses two of its instances at once. */
const restarter = (plan: Plan, gateway: Gateway, services: Map<ServiceProcess, Kept>) => {
  let before: Promise<unknown> = Promise.resolve()
  const restartNow = async (name: string) => {
    const meant = plan.processes.filter(
      (process) => process.name === name || process.services.some((service) => service.name === name),
    )
    if (meant.length === 0) throw new Failure(`there is no process and no service "${name}"`)
    for (const process of meant) await gateway.spare(process, async () => services.get(process)?.restart())
    return meant.map((process) => process.name)
  }
  return (name: string): Promise<string[]> => {
    const mine = before.then(() => restartNow(name))
    before = mine.catch(() => undefined)
    return mine
  }
}

const describe = (plan: Plan, folder: Folder, keys: Keys, { parts, services }: Running): Run => ({
  pid: process.pid,
  url: `http://localhost:${plan.ports.gateway}`,
  control: folder.control,
  mails: folder.mail,
  admin: `http://127.0.0.1:${plan.ports.admin}`,
  parts: parts.map(({ current }) => processOf(current())),
  services: [...services].map(([wanted, { current }]) => ({
    ...processOf(current()),
    services: wanted.services,
  })),
  databases: Object.fromEntries(
    Object.entries(keys.passwords.roles).map(([service, password]) => [
      service,
      databaseUrl(service, password, plan.ports.postgres),
    ]),
  ),
})

const processOf = ({ name, pid, port, url }: Part) => ({ name, pid, port, url })

/** Does one thing of the start and prints one line when it is done, and one whenever it takes longer. */
const step = async <T>(name: string, work: (progress: Progress) => Promise<T>): Promise<T> => {
  const began = Date.now()
  const result = await work((text) => console.log(`… ${name}: ${text}`))
  console.log(`✓ ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`)
  return result
}

const say = (text: string) => console.log(`${clock(new Date())} up    ${text}`)

const welcome = (port: number, folder: Folder, seconds: number) => {
  const url = `http://localhost:${port}`
  // Inside the single quotes of the line below these end the quoting, so the shell puts a number there each time.
  const random = "'$RANDOM'"
  const person = JSON.stringify({
    username: `ada${random}`,
    email: `ada${random}@example.org`,
    password: 'correct horse battery staple',
  })
  console.log(`
Plaza is ready at ${url} (${seconds.toFixed(1)} s)
  API     ${url}/docs
  Mails   ${process.env.SMTP_URL ? 'go out by SMTP_URL' : folder.mail}
  Links   in mails lead to ${process.env.APP_URL ?? `${url}; set APP_URL to where your front end is`}
  Try     curl ${url}/api/v1/auth/register -H 'content-type: application/json' -d '${person}'
  Stop    Ctrl-C
`)
}
