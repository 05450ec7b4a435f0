import { join } from 'node:path'
import type { Plaza } from './plaza.ts'

/** A running instance of a service, at its own port. */
export type Instance = { name: string; url: string }

/** Every instance of every service, past the gateway. */
export async function instancesOf(plaza: Plaza): Promise<Instance[]> {
  const { services } = await plaza.run()
  return services.flatMap((process) =>
    process.services.map(({ name, port }) => ({ name, url: `http://127.0.0.1:${port}` })),
  )
}

/** Gives somebody the role of an admin as an operator does: by the command. */
export async function grantAdmin({ data }: Plaza, username: string): Promise<void> {
  const command = [process.execPath, join(import.meta.dir, '../infra/ops.ts')]
  const child = Bun.spawn([...command, '--data', data, 'admin', 'grant', username], {
    stdout: 'ignore',
    stderr: 'pipe',
  })
  const complaint = await child.stderr.text()
  if ((await child.exited) !== 0) throw new Error(complaint)
}
