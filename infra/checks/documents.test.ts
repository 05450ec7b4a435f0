import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { findBrokenPaths } from './documents.ts'

const root = await mkdtemp(join(tmpdir(), 'plaza-documents-'))
afterAll(() => rm(root, { recursive: true }))
const files = ['README.md', 'services/README.md', 'services/run.ts', 'services/auth/main.ts']

const check = async (text: string, document = 'README.md') => {
  await Bun.write(join(root, document), text)
  return findBrokenPaths(root, [document], files)
}

test('a cited path and a link that do not exist are told', async () => {
  expect(await check('see `services/gone.ts` and [there](services/away.md)')).toEqual([
    'README.md: services/gone.ts does not exist',
    'README.md: services/away.md does not exist',
  ])
})

test('paths may start at the root or at the document', async () => {
  const text = '`services/run.ts`, `services/auth/`, `auth/main.ts`, [run](run.ts#top)'
  expect(await check(text, 'services/README.md')).toEqual([])
})

test('what only looks like a path is left alone', async () => {
  const text =
    '`and/or`, `.plaza/run.json`, `services/<name>/main.ts`, `services/*/main.ts`, [web](https://example.org)'
  expect(await check(`${text}\n\`\`\`\n\`services/gone.ts\`\n\`\`\`\n`)).toEqual([])
})
