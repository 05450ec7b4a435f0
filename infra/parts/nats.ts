import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { natsServer } from '../tools/nats.ts'
import { locate, type Progress } from '../tools/tool.ts'
import { converse, launch, type Part } from './part.ts'

export type NatsOptions = { dir: string; port: number; password: string; logFile: string; progress: Progress }

/**
 * Starts NATS with JetStream on the loopback, keeping its streams below `dir`. The password must start with a
 * letter and hold letters and digits only, for its configuration reads values by their looks.
 */
export const startNats = async ({ dir, port, password, logFile, progress }: NatsOptions): Promise<Part> => {
  const program = await locate(natsServer, progress)
  await mkdir(dir, { recursive: true, mode: 0o700 })
  // A value is read as a piece of configuration, so a folder whose name has a space or a # in it must be quoted.
  const store = JSON.stringify(dir)
  return launch({
    name: 'nats',
    url: `nats://plaza:${password}@127.0.0.1:${port}`,
    port,
    command: [program, '--config', join(import.meta.dir, '../nats.conf')],
    env: { NATS_HOST: '127.0.0.1', NATS_PORT: String(port), NATS_STORE: store, NATS_PASSWORD: password },
    log: logFile,
    ready: () => converse(port, '', '"jetstream":true'),
  })
}
