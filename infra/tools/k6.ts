import { findOnPath } from './command.ts'
import { go } from './sources.ts'
import type { Tool } from './tool.ts'

/** For load tests only. */
export const k6: Tool = {
  name: 'k6',
  version: '1.8.1',
  find: () => findOnPath('k6', ['version'], '>=1.8.0 <2.0.0'),
  program: 'bin/k6',
  sources: [go('go.k6.io/k6@v1.8.1')],
  hint: 'install Go, or put k6 1.8 on PATH',
}
