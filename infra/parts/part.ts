import { closeSync, openSync } from 'node:fs'
import { connect } from 'node:net'
import { Failure } from '../failure.ts'
import { reasonIn, run } from '../tools/command.ts'

/** A running process that Plaza stands on. */
export type Part = {
  readonly name: string
  readonly url: string
  readonly port: number
  readonly pid: number
  /** Settles when the process has ended, whoever ended it. */
  readonly exited: Promise<void>
  /** Ends it in its own clean way, by force after ten seconds. */
  stop(): Promise<void>
  /** Sends a signal, SIGKILL if none is named, and waits for the end, or the standstill, that it brings. */
  kill(signal?: NodeJS.Signals): Promise<void>
}

export type Launch = {
  name: string
  url: string
  port: number
  command: string[]
  /** The file that what the process prints is appended to, or who hears its lines. */
  log: string | ((line: string) => void)
  /** Whether it takes requests; asked until it says so. */
  ready(): Promise<boolean>
  env?: Record<string, string>
  user?: { uid: number; gid: number } | undefined
  input?: string
  stopSignal?: NodeJS.Signals
  /** How long it may take to get ready; recovery after a crash may take Postgres a while. */
  patienceSeconds?: number
  /**
   * Whether it is at work that takes as long as it takes: the patience then begins anew. Asked every quarter of
   * the patience while it is not ready.
   */
  atWork?(): Promise<boolean>
  /** When aborted, a start that is still under way is given up. */
  unwanted?: AbortSignal
}

/** Starts a process and waits until it is ready. Throws Failure with its reason in one line when it ends instead. */
export const launch = async (options: Launch): Promise<Part> => {
  const { name, url, port, stopSignal = 'SIGTERM' } = options
  const { child, lastWords } = spawn(options)
  const exited = child.exited.then(() => undefined)
  const part: Part = {
    name,
    url,
    port,
    pid: child.pid,
    exited,
    stop: async () => {
      child.kill(stopSignal)
      const force = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await exited
      clearTimeout(force)
    },
    kill: async (signal = 'SIGKILL') => {
      child.kill(signal)
      if (signal === 'SIGKILL') await exited
      if (signal === 'SIGSTOP') await standstill(child.pid)
    },
  }
  await untilReady(options, part, () => (child.exitCode ?? child.signalCode) !== null, lastWords)
  return part
}

/** Waits until every thread of a process that was sent SIGSTOP has stopped; each does so when it next gets a core. */
export const standstill = async (pid: number): Promise<void> => {
  const threads = process.platform === 'linux' ? ['-L'] : []
  const runs = async () => {
    const states = await run(['ps', ...threads, '-o', 'state=', '-p', String(pid)])
    return states.split('\n').some((state) => /^[^T\s]/.test(state))
  }
  for (const deadline = Date.now() + 5_000; Date.now() < deadline && (await runs()); ) await Bun.sleep(5)
}

const untilReady = async (
  { name, ready, patienceSeconds = 20, atWork, unwanted }: Launch,
  part: Part,
  ended: () => boolean,
  lastWords: () => Promise<string>,
) => {
  const began = Date.now()
  let [idleSince, askedAt] = [began, began]
  while (true) {
    const answers = await ready()
    // Asked in this order, since somebody else may answer at the port of a process that has ended.
    if (ended()) throw new Failure(`${name} did not start: ${await lastWords()}`)
    if (answers) return
    if (unwanted?.aborted) {
      await part.stop()
      throw new Failure(`${name} was stopped before it was ready`)
    }
    if (atWork && Date.now() - askedAt >= patienceSeconds * 250) {
      if (await atWork()) idleSince = Date.now()
      askedAt = Date.now()
    }
    if (Date.now() - idleSince > patienceSeconds * 1000) {
      await part.kill()
      const seconds = Math.round((Date.now() - began) / 1000)
      throw new Failure(`${name} was not ready after ${seconds} s: ${await lastWords()}`)
    }
    await Bun.sleep(10)
  }
}

/** A child in a session of its own, so that Ctrl-C in the terminal reaches only whoever stops them in order. */
const spawn = ({ command, log, env, user, input }: Launch) => {
  const output = typeof log === 'string' ? openSync(log, 'a', 0o600) : 'pipe'
  const child = Bun.spawn(command, {
    stdin: input === undefined ? 'ignore' : Buffer.from(input),
    stdout: output,
    stderr: output,
    env: { PATH: process.env.PATH, TZ: 'UTC', ...env },
    cwd: '/',
    detached: true,
    ...user,
  })
  if (typeof output === 'number') closeSync(output)
  const listen = (stream: unknown) => {
    const recent: string[] = []
    const hear = (line: string) => {
      if (recent.push(line) > 15) recent.shift()
      if (typeof log !== 'string') log(line)
    }
    return { recent, heard: stream instanceof ReadableStream ? forEachLine(stream, hear) : undefined }
  }
  // What went wrong is said on the second one, which may be read first.
  const said = [listen(child.stdout), listen(child.stderr)]
  const lastWords = async () => {
    await Promise.race([Promise.all(said.map(({ heard }) => heard)), Bun.sleep(1000)])
    const text =
      typeof log === 'string' ? await Bun.file(log).text() : said.flatMap(({ recent }) => recent).join('\n')
    return reasonIn(text) ?? 'it said nothing'
  }
  return { child, lastWords }
}

const forEachLine = async (stream: ReadableStream<Uint8Array>, hear: (line: string) => void) => {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const chunk of stream) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) hear(line)
  }
  if (rest) hear(rest)
}

/** Says `request` to a port on the loopback and answers whether `expected` comes back within a second. */
export const converse = (port: number, request: string, expected: string): Promise<boolean> =>
  new Promise((resolve) => {
    let heard = ''
    const socket = connect({ port, host: '127.0.0.1', timeout: 1000 })
    const settle = (answer: boolean) => {
      socket.destroy()
      resolve(answer)
    }
    socket.on('connect', () => request && socket.write(request))
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1')
      if (heard.includes(expected)) settle(true)
    })
    socket.on('timeout', () => settle(false))
    socket.on('error', () => settle(false))
    socket.on('close', () => settle(false))
  })
