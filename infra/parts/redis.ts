import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { redisServer } from '../tools/redis.ts'
import { locate, type Progress } from '../tools/tool.ts'
import { converse, launch, type Part } from './part.ts'

export type RedisOptions = {
  dir: string
  port: number
  password: string
  logFile: string
  progress: Progress
  /** In Redis's own notation; when it is full, writes are refused. */
  maxMemory?: string
}

/** Starts Redis on the loopback, keeping its append-only file in `dir`. */
export const startRedis = async (options: RedisOptions): Promise<Part> => {
  const { dir, port, password, logFile, progress, maxMemory = '512mb' } = options
  const program = await locate(redisServer, progress)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const lines = [
    'bind 127.0.0.1',
    `port ${port}`,
    `dir ${JSON.stringify(dir)}`,
    `requirepass ${password}`,
    `maxmemory ${maxMemory}`,
  ]
  return launch({
    name: 'redis',
    url: `redis://:${password}@127.0.0.1:${port}`,
    port,
    // The password comes by standard input, since anybody may read a command line.
    command: [program, join(import.meta.dir, '../redis.conf'), '-'],
    input: lines.join('\n'),
    log: logFile,
    ready: () => converse(port, `AUTH ${password}\r\nPING\r\n`, '+PONG'),
  })
}
