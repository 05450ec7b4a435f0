import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { findOnPath, run } from './command.ts'
import type { Source, Tool } from './tool.ts'

/**
 * Debian's redis-tools carries the very program that redis-server starts (it looks at the name it was called
 * by) and, unlike the redis-server package, no service that would take a port.
 */
const apt: Source = {
  from: "the system's packages",
  available: () => Bun.which('apt-get') !== null && process.getuid?.() === 0,
  fetch: async (folder, progress) => {
    const install = ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', 'redis-tools']
    const patient = ['-o', 'DPkg::Lock::Timeout=120']
    const env = { DEBIAN_FRONTEND: 'noninteractive' }
    await run([...install, ...patient], { env }).catch(async () => {
      progress('reading the list of system packages')
      await run(['apt-get', 'update', '-qq'], { env })
      await run([...install, ...patient], { env })
    })
    const program = '/usr/bin/redis-check-rdb'
    await symlink(program, join(folder, 'redis-server'))
  },
}

export const redisServer: Tool = {
  name: 'redis-server',
  version: '7',
  find: () => findOnPath('redis-server', ['--version'], '>=7.0.0 <9.0.0'),
  program: 'redis-server',
  sources: [apt],
  hint: 'install redis-server 7 or newer (apt-get install redis-server, brew install redis)',
}
