import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findStrayImports } from './imports.ts'

const root = await mkdtemp(join(tmpdir(), 'plaza-imports-'))
afterAll(() => rm(root, { recursive: true }))
for (const name of ['a', 'b']) await Bun.write(join(root, name, 'package.json'), '{}')

const check = async (text: string) => {
  await Bun.write(join(root, 'a/routes/one.ts'), text)
  return findStrayImports(root, ['a/routes/one.ts'])
}

// Not written out, since this file is checked, too.
const away = '../../b/x.ts'

test.each([
  `import { x } from '${away}'`,
  `import type { X } from '${away}'`,
  `export * from '${away}'`,
  `await import('${away}')`,
  `import '${away}'`,
])('%s leaves its package', async (line) => {
  expect(await check(line)).toEqual([`a/routes/one.ts: ${away} lies in another package, b`])
})

test('imports within the package, and of packages by name, are fine', async () => {
  expect(await check(`import { x } from '../x.ts'\nimport { y } from '@plaza/b/y'`)).toEqual([])
})
