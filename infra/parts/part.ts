import { closeSync, openSync } from 'node:fs'
import { connect } from 'node:net'
import { Failure } from '../failure.ts'
import { lastLine } from '../tools/command.ts'

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
  /** Sends a signal, SIGKILL if none is named, and waits for the end when it is deadly. */
  kill(signal?: NodeJS.Signals): Promise<void>
}

export type Launch = {
  name: string
  url: string
  port: number
  command: string[]
  /** What the process prints is appended here. */
  logFile: string
  /** Whether it takes requests; asked until it says so. */
  ready(): Promise<boolean>
  env?: Record<string, string>
  user?: { uid: number; gid: number } | undefined
  input?: string
  stopSignal?: NodeJS.Signals
  /** How long it may take to get ready; recovery after a crash may take Postgres a while. */
  patienceSeconds?: number
}

/** Starts a process and waits until it is ready. Throws Failure with its last line when it ends instead. */
export const launch = async (options: Launch): Promise<Part> => {
  const { name, url, port, command, logFile, env, user, input, stopSignal = 'SIGTERM' } = options
  const output = openSync(logFile, 'a', 0o600)
  const child = Bun.spawn(command, {
    stdin: input === undefined ? 'ignore' : Buffer.from(input),
    stdout: output,
    stderr: output,
    env: { PATH: process.env.PATH, TZ: 'UTC', ...env },
    cwd: '/',
    ...user,
  })
  closeSync(output)
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
    },
  }
  await untilReady(part, options, () => child.exitCode !== null || child.signalCode !== null)
  return part
}

const untilReady = async (part: Part, options: Launch, ended: () => boolean) => {
  const { name, ready, logFile, patienceSeconds = 20 } = options
  const deadline = Date.now() + patienceSeconds * 1000
  while (!(await ready())) {
    if (ended()) throw new Failure(`${name} did not start: ${await lastWords(logFile)}`)
    if (Date.now() > deadline) {
      await part.kill()
      throw new Failure(`${name} was not ready after ${patienceSeconds} s: ${await lastWords(logFile)}`)
    }
    await Bun.sleep(10)
  }
}

const lastWords = async (logFile: string) =>
  lastLine(await Bun.file(logFile).text()) ?? `it said nothing, see ${logFile}`

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
