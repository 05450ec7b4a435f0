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

test.each([
  `import { x } from '../../b/x.ts'`,
  `import type { X } from '../../b/x.ts'`,
  `export * from '../../b/x.ts'`,
  `await import('../../b/x.ts')`,
  `import '../../b/x.ts'`,
])('%s leaves its package', async (line) => {
  expect(await check(line)).toEqual(['a/routes/one.ts: ../../b/x.ts lies in another package, b'])
})

test('imports within the package, and of packages by name, are fine', async () => {
  expect(await check(`import { x } from '../x.ts'\nimport { y } from '@plaza/b/y'`)).toEqual([])
})
