import { join, resolve } from 'node:path'
import { type Environment, environmentOf } from '@plaza/kit/config'
import { createLog, type Log } from '@plaza/kit/log'
import { connectNats, type Nats } from '@plaza/kit/nats'
import { connectSql, type Sql } from '@plaza/kit/sql'
import { codeOf, Failure, messageOf } from '../failure.ts'
import { services } from '../up/registry.ts'
import { type Run, readRun } from '../up/run-file.ts'

/** The Plaza that a command is for, by the same variables that its services read. */
export type Target = { environment: Environment; log: Log }

const defaultFolder = join(import.meta.dir, '../../.plaza')

/** The variables of the Plaza that runs on a folder, under those that are set. Throws Failure when there is neither. */
export const findPlaza = async (data: string | undefined): Promise<Target> => {
  const folder = resolve(data ?? defaultFolder)
  const run = await read(folder)
  const environment = { ...(run ? variablesOf(run, folder) : {}), ...process.env }
  if (!run && !services.some(({ name }) => environmentOf(name, environment).DATABASE_URL))
    throw new Failure(
      `no Plaza runs on ${folder}: start one, name its --data, or set AUTH_DATABASE_URL and so on`,
    )
  return { environment, log: createLog(process.env.LOG_LEVEL ?? 'silent') }
}

const read = async (folder: string) => {
  try {
    return await readRun(folder)
  } catch (error) {
    if (codeOf(error) === 'EACCES') throw new Failure(`${folder} belongs to somebody else`)
    throw new Failure(`what ${folder} says of its Plaza cannot be read: ${messageOf(error)}`)
  }
}

const variablesOf = (run: Run, folder: string): Environment => {
  const urlOf = (part: string) => run.parts.find(({ name }) => name === part)?.url
  const databases = Object.entries(run.databases).map(([name, url]) => [
    `${name.toUpperCase()}_DATABASE_URL`,
    url,
  ])
  return {
    ...Object.fromEntries(databases),
    NATS_URL: urlOf('nats'),
    REDIS_URL: urlOf('redis'),
    AUTH_KEY_ENCRYPTION_SECRET_FILE: join(folder, 'keys', 'encryption-secret'),
  }
}

/** One variable of a service. Throws Failure when it is not set. */
export const variable = ({ environment }: Target, service: string, name: string): string => {
  const value = environmentOf(service, environment)[name]
  if (value) return value
  throw new Failure(`set ${name === 'DATABASE_URL' ? `${service.toUpperCase()}_` : ''}${name}`)
}

/** Runs work with a service's database, and closes it. */
export const withSql = async <T>(
  target: Target,
  service: string,
  work: (sql: Sql) => Promise<T>,
): Promise<T> => {
  const sql = connectSql({ url: variable(target, service, 'DATABASE_URL'), name: 'ops', connections: 2 })
  try {
    return await work(sql)
  } finally {
    await sql.end({ timeout: 2 })
  }
}

/** Runs work with the broker, and closes the connection. Throws Failure when it does not answer. */
export const withNats = async <T>(target: Target, work: (nats: Nats) => Promise<T>): Promise<T> => {
  const url = variable(target, 'relay', 'NATS_URL')
  const nats = await Promise.race([connectNats(url, 'plaza-ops', target.log), Bun.sleep(5_000)])
  if (!nats) throw new Failure('the broker does not answer')
  try {
    return await work(nats)
  } finally {
    await nats.close()
  }
}

/** The services whose databases are known here. In a container every name leads to the container's own, which counts once. */
export const storesOf = ({ environment }: Target): string[] => {
  const stores = new Map<string, string>()
  for (const { name } of services) {
    const url = environmentOf(name, environment).DATABASE_URL
    if (url && !stores.has(url)) stores.set(url, name)
  }
  return [...stores.values()]
}
