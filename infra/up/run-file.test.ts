import { expect, test } from 'bun:test'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Run, readRun, writeRun } from './run-file.ts'

const said = (parts: number): Run => ({
  pid: 1,
  url: 'http://localhost:8000',
  control: 'control.sock',
  mails: 'mail',
  admin: 'http://127.0.0.1:8080',
  parts: Array.from({ length: parts }, (_, index) => ({ name: 'part', pid: index, port: 1, url: 'url' })),
  services: [],
  databases: {},
})

test('whoever reads while another process writes gets one state or the next, never half of one', async () => {
  const data = await mkdtemp(join(tmpdir(), 'plaza-run-file-'))
  expect(await readRun(data)).toBeUndefined()
  writeRun(data, said(0))
  const writes = `import { writeRun } from ${JSON.stringify(join(import.meta.dir, 'run-file.ts'))}
    const states = ${JSON.stringify([said(0), said(40)])}
    for (let n = 0; n < 3000; n++) writeRun(${JSON.stringify(data)}, states[n % 2])`
  const writer = Bun.spawn([process.execPath, '-e', writes])
  const seen = new Set<number>()
  while (writer.exitCode === null) {
    seen.add((await readRun(data))?.parts.length ?? -1)
    await Bun.sleep(0)
  }
  expect(writer.exitCode).toBe(0)
  expect([...seen].sort()).toEqual([0, 40])
  await rm(data, { recursive: true })
})
