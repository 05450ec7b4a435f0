import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { canInstall, installPackage } from './apt.ts'
import { findOnPath } from './command.ts'
import type { Source, Tool } from './tool.ts'

/**
 * Debian's redis-tools carries the very program that redis-server starts (it looks at the name it was called
 * by) and, unlike the redis-server package, no service that would take a port.
 */
const apt: Source = {
  from: "the system's packages",
  available: canInstall,
  fetch: async (folder, progress) => {
    await installPackage('redis-tools', progress)
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
