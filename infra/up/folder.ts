import { existsSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf, Failure, messageOf } from '../failure.ts'
import { type Lock, tryLock } from '../lock.ts'
import { readRun } from './run-file.ts'

/** The places below the data folder. */
export type Folder = {
  data: string
  keys: string
  mail: string
  traefik: string
  /** The folder of a part's own files. */
  of(part: string): string
  /** The file of a part's own output; that of the run before is kept beside it. */
  log(part: string): string
  control: string
}

const reasons: Record<string, string> = {
  ENOSPC: 'there is no space left',
  EROFS: 'it is read-only',
  EACCES: 'we have no right to',
  EPERM: 'we have no right to',
  ENOTDIR: 'it is not a folder',
  EEXIST: 'it is not a folder',
}

/** What an empty Plaza needs to begin with, and one that is there to go on. */
const leastMegabytes = { first: 256, later: 64 }

const lockOf = (data: string) => join(data, 'up.lock')

/** Whether a Plaza was ever started on the folder. */
export const isUsed = (data: string): boolean => existsSync(lockOf(data))

/** Makes the data folder and takes it for this process alone. Throws Failure. */
export const takeFolder = async (data: string): Promise<{ folder: Folder; lock: Lock }> => {
  const folder: Folder = {
    data,
    keys: join(data, 'keys'),
    mail: join(data, 'mail'),
    traefik: join(data, 'traefik'),
    of: (part) => join(data, part),
    log: (part) => join(data, 'logs', `${part}.log`),
    control: join(data, 'control.sock'),
  }
  makeWritable(folder)
  const lock = tryLock(lockOf(data))
  if (!lock) {
    const run = await readRun(data).catch(() => undefined)
    throw new Failure(`a Plaza already runs on ${data}${run ? `, at ${run.url} (process ${run.pid})` : ''}`)
  }
  for (const part of ['postgres', 'nats', 'redis', 'traefik'])
    await rename(folder.log(part), `${folder.log(part)}.before`).catch(() => undefined)
  return { folder, lock }
}

/** The folder itself can be passed through, for user postgres must get to its own; what it holds is private. */
const makeWritable = ({ data, mail, log, traefik }: Folder) => {
  try {
    mkdirSync(data, { recursive: true, mode: 0o711 })
    for (const inner of [mail, join(log('any'), '..'), traefik])
      mkdirSync(inner, { recursive: true, mode: 0o700 })
    const probe = join(data, '.probe')
    writeFileSync(probe, '')
    rmSync(probe)
    const { bavail, bsize } = statfsSync(data)
    const free = Math.floor((bavail * bsize) / 2 ** 20)
    const needed = isUsed(data) ? leastMegabytes.later : leastMegabytes.first
    if (free < needed) throw new Failure(`only ${free} MB are free there, ${needed} are needed`)
  } catch (error) {
    throw new Failure(`cannot write in ${data}: ${reasons[codeOf(error) ?? ''] ?? messageOf(error)}`)
  }
}
