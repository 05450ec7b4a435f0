import { mkdirSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Failure, messageOf } from '../failure.ts'
import { lock } from '../lock.ts'

/** Called with what is being done whenever it may take a while. */
export type Progress = (text: string) => void

export type Tool = {
  name: string
  /** Part of the cache folder's name; another version is fetched beside it. */
  version: string
  /** The program, when it is already on this machine in a version that will do. */
  find(): Promise<string | undefined>
  /** Where the program lies below the cache folder once fetched. */
  program: string
  /** The ways to get it, in order of preference; the first that works is taken. */
  sources: Source[]
  /** What to install when no source works. */
  hint: string
}

/** A way to get a tool: `fetch` fills the folder, `available` says whether it can be tried at all. */
export type Source = {
  from: string
  available(): boolean
  fetch(folder: string, progress: Progress): Promise<void>
}

/** Where fetched tools are kept for the next time; the variable PLAZA_TOOLS may name another folder. */
export const toolsFolder = (): string =>
  process.env.PLAZA_TOOLS ?? join(import.meta.dir, '../../.plaza/tools')

/** The path of the tool's program: one on this machine, else one fetched earlier, else fetched now. Throws Failure. */
export const locate = async (tool: Tool, progress: Progress): Promise<string> => {
  const found = await tool.find()
  if (found) return found
  const folder = join(toolsFolder(), `${tool.name}-${tool.version}`)
  const program = join(folder, tool.program)
  if (await Bun.file(program).exists()) return program
  makeFolder(toolsFolder())
  using _held = await lock(`${folder}.lock`, () =>
    progress(`waiting for another process to fetch ${tool.name}`),
  )
  if (!(await Bun.file(program).exists())) await fetchInto(folder, tool, progress)
  return program
}

/** Fills a folder beside the real one and moves it into place, so that a broken download is never used. */
const fetchInto = async (folder: string, tool: Tool, progress: Progress) => {
  const draft = `${folder}.draft`
  const reasons: string[] = []
  for (const source of tool.sources.filter((candidate) => candidate.available())) {
    progress(`fetching ${tool.name} ${tool.version} from ${source.from}`)
    try {
      await rm(draft, { recursive: true, force: true })
      makeFolder(draft)
      await source.fetch(draft, progress)
      if (!(await Bun.file(join(draft, tool.program)).exists())) throw new Failure('the program is not in it')
      await rm(folder, { recursive: true, force: true })
      return await rename(draft, folder)
    } catch (error) {
      reasons.push(`${source.from}: ${messageOf(error)}`)
    } finally {
      await rm(draft, { recursive: true, force: true })
    }
  }
  throw new Failure([`no ${tool.name} on this machine: ${tool.hint}`, ...reasons].join('; '))
}

const makeFolder = (folder: string) => {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw new Failure(`cannot keep tools in ${folder}: ${messageOf(error)}`)
  }
}
