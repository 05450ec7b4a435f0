import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import connect from 'postgres'
import { startNats } from './parts/nats.ts'
import type { Part } from './parts/part.ts'
import { startPostgres } from './parts/postgres.ts'
import { startRedis } from './parts/redis.ts'
import { freePort } from './ports.ts'
import { secret } from './secret.ts'

export { standstill } from './parts/part.ts'

/** A part that a test may kill, empty and bring back on the same port. */
export type TestPart = Pick<Part, 'name' | 'url' | 'port' | 'kill' | 'stop'> & {
  readonly pid: number
  /** Starts it again with what its folder holds, after ending it if it still runs. */
  restart(): Promise<void>
  /** Removes everything it has stored, whether it runs or not. */
  wipe(): Promise<void>
  /** Where it stores things. */
  readonly dir: string
}

export type TestDatabase = { url: string; drop(): Promise<void> }

export type TestParts = {
  natsUrl: string
  redisUrl: string
  nats: TestPart
  redis: TestPart
  /** A fresh, empty database with a role of its own, dropped by `drop` or at the latest by `stop`. */
  createDatabase(): Promise<TestDatabase>
  stop(): Promise<void>
}

/** The superuser's URL of the Postgres that the runner of all tests started, when there is one. */
export const postgresVariable = 'PLAZA_TEST_POSTGRES_URL'

/** The folder that the runner of all tests makes and removes. */
export const folderVariable = 'PLAZA_TEST_DIR'

/**
 * The real parts for one test file: NATS and Redis servers of its own, and databases of its own in the Postgres
 * of the test run (a file that is run alone brings that one, too). Call `stop` in `afterAll`.
 */
export const testParts = async (wanted: { nats?: boolean; redis?: boolean } = {}): Promise<TestParts> => {
  const folder = await mkdtemp(join(process.env[folderVariable] ?? tmpdir(), 'plaza-test-'))
  await chmod(folder, 0o711)
  const start = { nats: startNats, redis: startRedis }
  const bring = async (name: 'nats' | 'redis') =>
    wanted[name] === false ? undefined : restartable(join(folder, name), start[name])
  const [nats, redis, server] = await Promise.all([bring('nats'), bring('redis'), usePostgres(folder)])
  const databases = new Set<TestDatabase>()
  return {
    nats: nats ?? absent('nats'),
    redis: redis ?? absent('redis'),
    natsUrl: nats?.url ?? '',
    redisUrl: redis?.url ?? '',
    createDatabase: async () => {
      const database = await createDatabase(server.url)
      databases.add(database)
      return database
    },
    stop: async () => {
      await Promise.all([...databases].map((database) => database.drop()))
      await Promise.all([nats?.kill(), redis?.kill(), server.stop()])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

type Start = typeof startNats
type Quiet = { logFile: string; password: string; progress: () => void }

/** The port is tried anew a few times, since another process may take it between the choice and the start. */
const restartable = async (dir: string, start: Start): Promise<TestPart> => {
  const quiet: Quiet = { logFile: `${dir}.log`, password: secret(), progress: () => undefined }
  const startAt = (port: number) => start({ dir, port, ...quiet })
  let part = await startAnywhere(startAt)
  return {
    name: part.name,
    url: part.url,
    port: part.port,
    dir,
    get pid() {
      return part.pid
    },
    kill: (signal) => part.kill(signal),
    stop: () => part.stop(),
    restart: async () => {
      await part.stop()
      part = await startAt(part.port)
    },
    wipe: async () => {
      for (const entry of await readdir(dir)) await rm(join(dir, entry), { recursive: true, force: true })
    },
  }
}

const startAnywhere = async (startAt: (port: number) => Promise<Part>): Promise<Part> => {
  for (let tries = 1; ; tries++) {
    try {
      return await startAt(await freePort())
    } catch (error) {
      if (tries === 3) throw error
    }
  }
}

/** Stands for a part the test said it does not need, so that using it all the same is a clear error. */
const absent = (name: string): TestPart => {
  const refuse = () => {
    throw new Error(`this test file asked for no ${name}`)
  }
  return {
    name,
    url: '',
    port: 0,
    pid: 0,
    dir: '',
    kill: refuse,
    stop: refuse,
    restart: refuse,
    wipe: refuse,
  }
}

const usePostgres = async (folder: string): Promise<{ url: string; stop(): Promise<void> }> => {
  const url = process.env[postgresVariable]
  return url ? { url, stop: async () => undefined } : startTestPostgres(folder)
}

/** A throw-away Postgres below `folder`. No test cuts the power, so it need not wait for the disk. */
export const startTestPostgres = async (folder: string): Promise<Part> => {
  const dir = join(folder, 'postgres')
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const settings = { fsync: 'off', max_connections: '500' }
  const logFile = join(folder, 'postgres.log')
  const progress = () => undefined
  const password = secret()
  return startAnywhere((port) => startPostgres({ dir, port, password, logFile, progress, settings }))
}

const createDatabase = async (serverUrl: string): Promise<TestDatabase> => {
  const name = `test_${secret().slice(1, 17)}`
  const password = secret()
  await asSuperuser(serverUrl, [
    `create role ${name} login password '${password}'`,
    `create database ${name} owner ${name}`,
    `revoke connect on database ${name} from public`,
  ])
  const url = new URL(serverUrl)
  url.username = name
  url.password = password
  url.pathname = `/${name}`
  const drop = () =>
    asSuperuser(serverUrl, [`drop database if exists ${name} with (force)`, `drop role if exists ${name}`])
  return { url: url.href, drop }
}

/** Names and passwords here are our own hexadecimal, so the statements need no quoting. */
const asSuperuser = async (url: string, statements: string[]) => {
  const sql = connect(url, { max: 1, onnotice: () => undefined })
  try {
    for (const statement of statements) await sql.unsafe(statement)
  } finally {
    await sql.end()
  }
}
