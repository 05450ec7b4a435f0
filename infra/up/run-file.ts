import { renameSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const Process = z.object({ name: z.string(), pid: z.number(), port: z.number(), url: z.string() })

/** What a running Plaza says of itself, for tests and for the operator's commands. */
export const Run = z.object({
  pid: z.number(),
  url: z.string(),
  /** The unix socket that takes commands. */
  control: z.string(),
  mails: z.string(),
  /** Of the gateway's own, on the loopback: probes, metrics, what it knows of its routes. */
  admin: z.string(),
  parts: z.array(Process),
  services: z.array(Process.extend({ services: z.array(z.object({ name: z.string(), port: z.number() })) })),
  /** Database URLs by service. */
  databases: z.record(z.string(), z.string()),
})

export type Run = z.infer<typeof Run>

const fileOf = (data: string) => join(data, 'run.json')

/** The file holds passwords, so only its owner may read it. */
export const writeRun = (data: string, run: Run) => {
  const draft = `${fileOf(data)}.draft`
  writeFileSync(draft, JSON.stringify(run, null, 2), { mode: 0o600 })
  renameSync(draft, fileOf(data))
}

/** What the Plaza that keeps its data there said last; it may have ended since. Undefined if there never was one. */
export const readRun = async (data: string): Promise<Run | undefined> => {
  // Not by Bun.file: after `exists` it reads as many bytes as the file had then, and another may have taken its place.
  const text = await readFile(fileOf(data), 'utf8').catch((error) => {
    if (error.code !== 'ENOENT') throw error
  })
  return text === undefined ? undefined : Run.parse(JSON.parse(text))
}
