import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@plaza/infra/ports'
import { type Run, readRun } from '@plaza/infra/run'
import { folderVariable, standstill } from '@plaza/infra/testing'
import { instancesInForce } from '@plaza/infra/traefik'

/** A whole Plaza of a test's own: real parts, real services, real gateway, supervised as an operator's is. */
export type Plaza = {
  /** Of the gateway. */
  url: string
  /** Its data folder. */
  data: string
  /** What it says of itself now: pids change when something was restarted. */
  run(): Promise<Run>
  /** Sends a signal (SIGKILL if none is named) to a part, a process of services, or `up` itself. */
  kill(name: string, signal?: NodeJS.Signals): Promise<void>
  /** Restarts a process, or all instances of a service one after the other, without a failed request. */
  restart(name: string): Promise<void>
  /** Waits until every service is up and the gateway has found it healthy. */
  waitReady(): Promise<void>
  /** Starts it again on the same data after its end. */
  start(): Promise<void>
  /** Ends it as Ctrl-C does and answers its exit code; its data stays. */
  end(): Promise<number>
  /** Ends it and removes its data. */
  stop(): Promise<void>
  /** Everything it has printed so far. */
  logs(): string
}

export type PlazaOptions = {
  /** A process per service. */
  each?: boolean
  /** How many instances of a service. */
  scale?: Record<string, number>
  /** Variables for the services and the gateway, whose limits are out of the way unless one is set here. */
  env?: Record<string, string>
}

const withoutLimits = {
  CREDENTIAL_LIMIT: '1000000',
  ADDRESS_RATE_AVERAGE: '1000000',
  ADDRESS_RATE_BURST: '1000000',
  STRANGER_RATE_AVERAGE: '1000000',
  STRANGER_RATE_BURST: '1000000',
  STRANGER_IN_FLIGHT_LIMIT: '1000000',
  USER_RATE_AVERAGE: '1000000',
  USER_RATE_BURST: '1000000',
  USER_IN_FLIGHT_LIMIT: '1000000',
}

/** Starts a whole Plaza and waits until it is ready. Call `stop` in `afterAll`. */
export const startPlaza = async ({ each = false, scale = {}, env }: PlazaOptions = {}): Promise<Plaza> => {
  const data = await mkdtemp(join(process.env[folderVariable] ?? tmpdir(), 'plaza-'))
  // User postgres must get through to its own folder.
  await chmod(data, 0o711)
  const scales = Object.entries(scale).map(([name, count]) => `${name}=${count}`)
  const options = ['--data', data, ...(each ? ['--services', 'each'] : []), '--scale', scales.join()]
  const bringAt = (port: number) =>
    bringUp(['--port', String(port), ...options], { ...withoutLimits, ...env })
  let { up, port } = await bringAnywhere(bringAt)
  let past = ''
  const run = async () => {
    const said = await readRun(data)
    if (!said) throw new Error(`this Plaza has ended:\n${up.printed()}`)
    return said
  }
  return {
    url: `http://127.0.0.1:${port}`,
    data,
    run,
    kill: async (name, signal = 'SIGKILL') => {
      const { pid, parts, services } = await run()
      const target = [...parts, ...services, { name: 'up', pid }].find((candidate) => candidate.name === name)
      if (!target) throw new Error(`nothing here is named ${name}`)
      process.kill(target.pid, signal)
      if (signal === 'SIGSTOP') await standstill(target.pid)
      if (name === 'up') await up.exited
    },
    restart: async (name) => {
      const answer = await fetch(`http://up/restart/${name}`, { method: 'POST', unix: (await run()).control })
      if (!answer.ok) throw new Error(await answer.text())
    },
    waitReady: async () => untilHealthy(await run()),
    start: async () => {
      past += up.printed()
      up = await bringAt(port)
    },
    end: () => up.end(),
    stop: async () => {
      await up.end()
      await rm(data, { recursive: true, force: true })
    },
    logs: () => past + up.printed(),
  }
}

/** Ports are chosen some seconds before they are bound, and other tests choose, too: then it is tried elsewhere. */
const bringAnywhere = async <T>(bringAt: (port: number) => Promise<T>): Promise<{ up: T; port: number }> => {
  for (let tries = 1; ; tries++) {
    const port = await freePort()
    try {
      return { up: await bringAt(port), port }
    } catch (error) {
      if (tries === 3 || !/in use|is taken/i.test(String(error))) throw error
    }
  }
}

/** Several starts at once on a busy machine take their time; a start that hangs is told from them. */
const patienceMs = 120_000

const bringUp = async (options: string[], env: Record<string, string>) => {
  const entry = Bun.resolveSync('@plaza/infra/up', import.meta.dir)
  const child = Bun.spawn([process.execPath, '--no-orphans', entry, ...options], {
    env: { ...process.env, ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  let printed = ''
  const ready = Promise.withResolvers<void>()
  const listen = async (stream: ReadableStream<Uint8Array>) => {
    const decoder = new TextDecoder()
    for await (const chunk of stream) {
      printed += decoder.decode(chunk, { stream: true })
      if (printed.includes('Plaza is ready')) ready.resolve()
    }
  }
  const heard = Promise.all([listen(child.stdout), listen(child.stderr)])
  const over = heard.then(() => {
    throw new Error(`Plaza did not start:\n${printed}`)
  })
  over.catch(() => undefined)
  const late = setTimeout(() => {
    ready.reject(new Error(`Plaza was not ready after ${patienceMs / 1_000} s:\n${printed}`))
    child.kill('SIGKILL')
  }, patienceMs)
  await Promise.race([ready.promise, over])
  clearTimeout(late)
  return {
    exited: child.exited,
    printed: () => printed,
    end: async () => {
      child.kill('SIGTERM')
      return child.exited
    },
  }
}

/** Asked at the instances first: the gateway itself may not have noticed yet that one is away. */
const untilHealthy = async ({ admin, services }: Run) => {
  const instances = services.flatMap((process) => process.services)
  const addressOf = ({ port }: { port: number }) => `http://127.0.0.1:${port}`
  for (const instance of instances)
    while (!(await answers(`${addressOf(instance)}/health/ready`))) await Bun.sleep(50)
  for (const [name, ofService] of Map.groupBy(instances, (instance) => instance.name))
    await instancesInForce(Number(new URL(admin).port), name, ofService.map(addressOf))
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    (answer) => answer.ok,
    () => false,
  )
