import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chown, mkdir, realpath, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Failure } from '../failure.ts'
import { run } from '../tools/command.ts'
import {
  type Account,
  locatePostgres,
  makeSharedFolder,
  postgresAccount,
  sharedFolder,
} from '../tools/postgres.ts'
import type { Progress } from '../tools/tool.ts'
import { launch, type Part } from './part.ts'

export type PostgresOptions = {
  dir: string
  port: number
  /** Of the superuser `postgres`, set when the data folder is made. */
  password: string
  logFile: string
  progress: Progress
  settings?: Record<string, string>
}

const defaults = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '300',
  log_checkpoints: 'off',
  log_timezone: 'UTC',
  timezone: 'UTC',
}

/**
 * Starts Postgres 18 on the loopback with its data below `dir`, as user postgres when we are root. Where that
 * user cannot enter `dir`, the data lies below /var/lib/plaza instead: the user's folders are never loosened.
 */
export const startPostgres = async (options: PostgresOptions): Promise<Part> => {
  const { port, password, logFile, progress, settings } = options
  const account = await postgresAccount(progress)
  const bin = await locatePostgres(account, progress)
  const dir = await chooseFolder(options.dir, account, progress)
  const data = join(dir, 'data')
  if (!existsSync(join(data, 'PG_VERSION'))) await initialise({ bin, dir, data, account, password })
  await endOrphan(data)
  const given = Object.entries({ ...defaults, ...settings, port: String(port) })
  return launch({
    name: 'postgres',
    url: `postgres://postgres:${password}@127.0.0.1:${port}/postgres`,
    port,
    command: [
      join(bin, 'postgres'),
      '-D',
      data,
      ...given.flatMap(([key, value]) => ['-c', `${key}=${value}`]),
    ],
    user: account,
    log: logFile,
    stopSignal: 'SIGINT',
    patienceSeconds: 300,
    ready: async () => (await pidFile(data))?.status === 'ready',
  })
}

/**
 * Answers `dir`, made for the account, or a folder of its own when the account cannot get there. That folder is
 * noted in `dir`, so that the data stay together even when rights change, and a removed `dir` begins anew.
 */
const chooseFolder = async (dir: string, account: Account, progress: Progress): Promise<string> => {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  if (!account) return dir
  const note = Bun.file(join(dir, 'elsewhere'))
  if (await note.exists()) return notedFolder(await note.text(), dir)
  await chown(dir, account.uid, account.gid)
  const reached = await run(['test', '-w', dir], { user: account, cwd: '/' }).catch(() => undefined)
  if (reached !== undefined) return dir
  if (existsSync(join(dir, 'data'))) throw new Failure(`user postgres can no longer enter ${dirname(dir)}`)
  const elsewhere = join(sharedFolder, randomBytes(8).toString('hex'))
  progress(`Postgres keeps its data in ${elsewhere}, since user postgres cannot enter ${dirname(dir)}`)
  await makeSharedFolder()
  await mkdir(elsewhere, { mode: 0o700 })
  await chown(elsewhere, account.uid, account.gid)
  await Bun.write(note, elsewhere)
  return elsewhere
}

/** Data that are noted and gone were left out of a copy: no empty ones may take their place. */
const notedFolder = (noted: string, dir: string): string => {
  if (existsSync(noted)) return noted
  throw new Failure(`${noted}, where ${dirname(dir)} keeps its Postgres, is gone: put it back from your copy`)
}

type Place = { bin: string; dir: string; data: string; account: Account; password: string }

/** Makes the cluster beside its place and moves it in whole, so that an interrupted start is simply repeated. */
const initialise = async ({ bin, dir, data, account, password }: Place) => {
  const draft = join(dir, 'draft')
  const passwordFile = join(dir, 'password')
  await rm(draft, { recursive: true, force: true })
  await writeFile(passwordFile, password, { mode: 0o600 })
  if (account) await chown(passwordFile, account.uid, account.gid)
  const locale = ['--encoding=UTF8', '--locale-provider=builtin', '--builtin-locale=C.UTF-8', '--locale=C']
  const access = ['--username=postgres', '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
  try {
    const user = account && { user: account }
    await run([join(bin, 'initdb'), '-D', draft, '--no-instructions', ...locale, ...access], {
      ...user,
      cwd: '/',
    })
    await rename(draft, data)
  } finally {
    await rm(passwordFile, { force: true })
  }
}

/**
 * A supervisor that was killed may leave a server or its pid file behind. The caller holds the lock of the data
 * folder, so a server still running there belongs to nobody; a pid that is another process's now is forgotten,
 * though it be a Postgres, too.
 */
const endOrphan = async (data: string) => {
  const left = await pidFile(data)
  if (!left) return
  if (!(await serves(left.pid, data))) return rm(join(data, 'postmaster.pid'), { force: true })
  process.kill(left.pid, 'SIGQUIT')
  while (await serves(left.pid, data)) await Bun.sleep(20)
}

/** What the server says of itself in its pid file: its pid in the first line, its status in the eighth. */
const pidFile = async (data: string) => {
  const text = await Bun.file(join(data, 'postmaster.pid'))
    .text()
    .catch(() => undefined)
  const lines = text?.split('\n') ?? []
  return text === undefined ? undefined : { pid: Number(lines[0]), status: lines[7]?.trim() }
}

/**
 * Whether a process is the Postgres of this data: by the folder that it stands in, or where that cannot be seen by the
 * command line that we start it with, which `ps` may show without the letters that are not ASCII.
 */
const serves = async (pid: number, data: string): Promise<boolean> => {
  const command = await run(['ps', '-ww', '-o', 'args=', '-p', String(pid)]).catch(() => '')
  if (!command.includes('/postgres -D ')) return false
  const place = await realpath(`/proc/${pid}/cwd`).catch(() => undefined)
  return place === undefined ? command.includes(`-D ${data} `) : place === (await realpath(data))
}
