import { afterAll, expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readFailures, readSummary, runTests } from './run.ts'

const folder = await mkdtemp(join(tmpdir(), 'plaza-run-'))
afterAll(() => rm(folder, { recursive: true }))

const count = async (source: string, ...options: string[]) => {
  const file = join(folder, `${Bun.randomUUIDv7()}.test.ts`)
  await Bun.write(file, `import { expect, test } from 'bun:test'\n${source}`)
  return runTests([...options, file], { cwd: folder, env: process.env, print: () => undefined })
}

test('passed, failed and skipped tests are counted', async () => {
  const source = `
    test('fine', () => {})
    test('wrong', () => { expect(1).toBe(2) })
    test.skip('not now', () => {})
    test.todo('later')`
  expect(await count(source)).toMatchObject({ passed: 1, failed: 1, skipped: 2 })
})

test('a file that does not load is a failure', async () => {
  expect(await count(`import './missing.ts'\ntest('fine', () => {})`)).toMatchObject({ failed: 1 })
})

test('a runner that is killed is a failure', async () => {
  const source = `test('deadly', async () => { process.kill(process.pid, 'SIGKILL'); await Bun.sleep(9000) })`
  expect(await count(source)).toMatchObject({ failed: 1 })
  expect(await count(source, '--parallel=2')).toMatchObject({ failed: 1 })
})

test('a test that ends the runner with success is a failure', async () => {
  expect(await count(`test('early', () => process.exit(0))`)).toMatchObject({ failed: 1 })
})

test('what is known of a failed test is told with it', async () => {
  const source = `test('fine', () => {})\ntest('wrong', () => { expect('this').toBe('that') })`
  for (const options of [[], ['--parallel=2']]) {
    const { failures } = await count(source, ...options)
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatch(/\.test\.ts:\n.*Expected: "that"\n.*\(fail\) wrong/s)
    expect(failures[0]).not.toContain('(pass)')
  }
})

test('a failure is told with its file and the end of what came before it', () => {
  const noise = Array.from({ length: 100 }, (_, line) => `line ${line}`)
  const printed = ['a.test.ts:', '(pass) fine', 'b.test.ts:', ...noise, '(fail) wrong [1ms]', '(pass) fine']
  const [failure, ...others] = readFailures(printed.join('\n'))
  expect(others).toEqual([])
  expect(failure).toStartWith('b.test.ts:\nline 61\n')
  expect(failure).toEndWith('\nline 99\n(fail) wrong [1ms]')
})

test('only the runner counts, not what a test prints', () => {
  const printed =
    'a.test.ts:\n 7 fail\nRan away\n(pass) fine\n\n 3 pass\n 0 fail\n 4 expect() calls\nRan 3 tests.'
  expect(readSummary(printed)).toEqual({ passed: 3, failed: 0, skipped: 0 })
})
