import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { findBrokenPaths } from './checks/documents.ts'
import { findStrayImports } from './checks/imports.ts'
import { ensurePackages } from './packages.ts'

const root = join(import.meta.dir, '..')
const openapi = join(import.meta.dir, 'openapi.ts')

/** Everything that must hold before a commit, and how to find out. Each answers whether it holds. */
const checks: Record<string, () => Promise<boolean>> = {
  'format and lint': () => succeeds(join(root, 'node_modules/.bin/biome'), 'check', '--error-on-warnings'),
  types: () => succeeds(process.execPath, 'check', '--no-script', '--no-pretty'),
  'imports stay in their package': async () => report(await findStrayImports(root, await files('*.ts'))),
  'paths in documents exist': async () =>
    report(await findBrokenPaths(root, await files('*.md'), await files())),
  'API documents': async () => !existsSync(openapi) || succeeds(process.execPath, openapi, '--check'),
}

const succeeds = async (...command: string[]) => {
  const child = Bun.spawn(command, { cwd: root, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const [out, complaint, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited])
  if (code !== 0) console.log(`${out}${complaint}`.trim())
  return code === 0
}

const report = (problems: string[]) => {
  for (const problem of problems) console.log(problem)
  return problems.length === 0
}

/** The repository's files, the not yet committed ones among them. */
const files = async (pattern = '*'): Promise<string[]> => {
  const command = ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard', '--', pattern]
  const listed = await Bun.spawn(command, { cwd: root }).stdout.text()
  return listed.split('\0').filter((file) => file && existsSync(join(root, file)))
}

await ensurePackages()
for (const [name, holds] of Object.entries(checks)) {
  const held = await holds()
  console.log(`${held ? '✓' : '✗'} ${name}`)
  if (!held) process.exitCode = 1
}
