import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { ensurePackages } from './packages.ts'

// Nothing from a package may be imported before the packages are there.
await ensurePackages()
const { messageOf } = await import('./failure.ts')
const { runTests } = await import('./tests/run.ts')
const { folderVariable, postgresVariable, startTestPostgres } = await import('./testing.ts')
const { bringTools } = await import('./tests/tools.ts')

const root = join(import.meta.dir, '..')

/** The test files, or those whose paths hold one of the words given; the ones that run alone come last. */
const findFiles = async (words: string[]) => {
  const all = await Array.fromAsync(new Bun.Glob('**/*.test.ts').scan({ cwd: root }))
  const files = all
    .filter((file) => !file.includes('node_modules/') && !file.startsWith('.'))
    .filter((file) => words.length === 0 || words.some((word) => file.includes(relative(root, word) || word)))
    .map((file) => `./${file}`)
    .sort()
  return {
    together: files.filter((file) => !file.endsWith('.serial.test.ts')),
    alone: files.filter((file) => file.endsWith('.serial.test.ts')),
  }
}

const runAll = async (folder: string) => {
  const { together, alone } = await findFiles(process.argv.slice(2))
  await bringTools((text) => console.log(`… ${text}`))
  await using postgres = await disposablePostgres(folder)
  const print = (text: string) => process.stdout.write(text)
  const env = { ...process.env, [postgresVariable]: postgres.url, [folderVariable]: folder }
  const workers = Math.max(2, availableParallelism())
  const results = []
  if (together.length > 0)
    results.push(await runTests([`--parallel=${workers}`, ...together], { cwd: root, env, print }))
  for (const file of alone) results.push(await runTests([file], { cwd: root, env, print }))
  return results
}

const disposablePostgres = async (folder: string) => {
  const { url, stop } = await startTestPostgres(folder)
  return { url, [Symbol.asyncDispose]: stop }
}

const folder = await mkdtemp(join(tmpdir(), 'plaza-test-run-'))
// User postgres must get through to its own folder.
await chmod(folder, 0o711)
process.exitCode = 1
try {
  const results = await runAll(folder)
  const sum = (of: 'passed' | 'failed' | 'skipped') =>
    results.reduce((total, result) => total + result[of], 0)
  const [passed, failed, skipped] = [sum('passed'), sum('failed'), sum('skipped')]
  // Once more at the end, for whoever keeps no more than the end of what a run printed.
  for (const { failures } of results) for (const failure of failures) console.log(`\n${failure}`)
  if (passed + failed === 0) console.log('no test was found')
  else if (failed === 0) process.exitCode = 0
  console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
} catch (error) {
  console.error(`plaza: ${messageOf(error)}`)
} finally {
  await rm(folder, { recursive: true, force: true })
}
