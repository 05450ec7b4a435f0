import { afterAll, expect } from 'bun:test'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from '@plaza/kit/config'
import type { PlazaEvent } from '@plaza/kit/events'
import { createHost } from '@plaza/kit/host'
import { type Revocation, revocationStream, tokensRevoked } from '@plaza/kit/revocation'
import { startServices } from '@plaza/kit/service'
import { eventually, type TestDeps, testDeps } from '@plaza/kit/testing'
import { authClient } from '../api.ts'
import { authService } from '../main.ts'
import { grantRole } from '../ops.ts'
import { Session } from '../schema.ts'

/** A running auth with a host of its own, as in a process of its own. */
export type Instance = {
  url: string
  client: ReturnType<typeof authClient>
  /** Asks with a user's token. */
  as(user: { accessToken: string }): ReturnType<typeof authClient>
  stop(): Promise<void>
}

export type World = Awaited<ReturnType<typeof createWorld>>

export const password = 'late otters juggle 7 plums'

/** The real parts of one test file, one auth on them, and what its tests ask of both. */
export async function createWorld(path: string, variables: Environment = {}) {
  const instances = new Set<Instance>()
  const mailDir = await mkdtemp(join(tmpdir(), 'plaza-mail-'))
  // Before the parts' own afterAll, so services stop before what they stand on.
  afterAll(async () => {
    await Promise.all([...instances].map((instance) => instance.stop()))
    await rm(mailDir, { recursive: true, force: true })
  })
  const deps = await testDeps(path)
  const environment: Environment = {
    ...(await deps.environment('auth')),
    KEY_ENCRYPTION_SECRET: randomBytes(32).toString('base64url'),
    MAIL_DIR: mailDir,
    ...variables,
  }
  const start = async (more: Environment = {}) => {
    const instance = await startInstance({ ...environment, ...more })
    instances.add(instance)
    return { ...instance, stop: () => (instances.delete(instance) ? instance.stop() : Promise.resolve()) }
  }
  const auth = await start()
  const sql = await deps.sql('auth')
  return {
    deps,
    environment,
    start,
    auth,
    sql,
    /** Somebody new with the role of an admin. */
    async createAdmin() {
      const admin = await registerAt(auth, {})
      await grantRole({ sql }, admin.login, 'admin')
      return await logIn(auth, admin)
    },
    register: (instance: Instance = auth, headers: Record<string, string> = {}) =>
      registerAt(instance, headers),
    mails: (email: string) => readMails(mailDir, email),
    tokenMailed: (email: string, subject: string) => tokenIn(mailDir, email, subject),
    eventsAbout: async (type: string, subject: string) =>
      (await deps.events('AUTH')).filter((event) => event.type === type && event.subject === subject),
    revocationOf: (id: string) => revocationOf(deps, id),
  }
}

async function startInstance(environment: Environment): Promise<Instance> {
  const host = createHost(environment)
  const started = await startServices(host, [authService], environment)
  return instanceAt(`http://127.0.0.1:${started.ports.auth}`, () => started.stop())
}

export type AuthProcess = Instance & {
  /** kill -9. */
  kill(): Promise<void>
}

/** Auth in a process of its own, for a test that kills it. */
export async function spawnAuth(environment: Environment): Promise<AuthProcess> {
  const child = Bun.spawn([process.execPath, join(import.meta.dir, '../main.ts')], {
    env: { PATH: process.env.PATH, ...environment, LOG_LEVEL: 'info' },
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const kill = async () => {
    child.kill('SIGKILL')
    await child.exited
  }
  const port = await readPort(child.stdout)
  return { ...instanceAt(`http://127.0.0.1:${port}`, kill), kill }
}

/** The port that the log tells; the rest of the log is read and dropped, so that the process never waits. */
async function readPort(log: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  void (async () => {
    const decoder = new TextDecoder()
    let text = ''
    for await (const chunk of log) {
      text += decoder.decode(chunk, { stream: true })
      const [, port] = /"port":(\d+),"msg":"listening"/.exec(text) ?? []
      if (port) resolve(Number(port))
    }
    reject(new Error(`auth ended: ${text}`))
  })()
  return await promise
}

function instanceAt(url: string, stop: () => Promise<void>): Instance {
  return {
    url,
    client: authClient(url),
    as: ({ accessToken }) =>
      authClient(url, (input, init) => {
        const request = new Request(String(input), init)
        request.headers.set('authorization', `Bearer ${accessToken}`)
        return fetch(request)
      }),
    stop,
  }
}

/** Somebody new, logged in. */
export type Person = Session & { password: string; login: string }

async function registerAt({ client }: Instance, headers: Record<string, string>): Promise<Person> {
  const name = `u${randomBytes(8).toString('hex')}`
  const json = { username: name, email: `${name}@example.org`, password }
  const answer = await client.api.v1.auth.register.$post({ json }, { headers })
  if (answer.status !== 201) throw new Error(`register answered ${answer.status}: ${await answer.text()}`)
  return { ...Session.parse(await answer.json()), password, login: name }
}

/** The same person on another device, or with what changed meanwhile. */
export async function logIn(
  { client }: Instance,
  { login, password }: Pick<Person, 'login' | 'password'>,
): Promise<Person> {
  const answer = await client.api.v1.auth.login.$post({ json: { login, password } })
  if (answer.status !== 200) throw new Error(`login answered ${answer.status}`)
  return { ...Session.parse(await answer.json()), login, password }
}

async function readMails(folder: string, email: string): Promise<string[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.eml')).sort()
  const mails = await Promise.all(files.map((file) => Bun.file(join(folder, file)).text()))
  return mails.filter((mail) => mail.includes(`To: ${email}`))
}

/** The token in the latest mail with this subject, once it has come. */
const tokenIn = (folder: string, email: string, subject: string) =>
  eventually(async () => {
    const mail = (await readMails(folder, email)).findLast((text) => text.includes(`Subject: ${subject}`))
    const token = mail && /#token=([\w-]{43})/.exec(mail)?.[1]
    if (!token) throw new Error(`no mail "${subject}" to ${email}`)
    return token
  })

/** The last revocation that was published for a user or session. */
async function revocationOf(deps: TestDeps, id: string): Promise<Revocation | undefined> {
  const nats = await deps.host.nats()
  const last = { last_by_subj: `evt.${tokensRevoked.type}.${id}` }
  const message = await nats.jsm.streams.getMessage(revocationStream, last)
  return message ? tokensRevoked.parse(message.json<PlazaEvent>()).data : undefined
}

/** Checks that an answer is this problem, as every error of Plaza's is. */
export async function expectProblem(
  answer: { status: number; headers: Headers; json(): Promise<unknown> },
  status: number,
  body: { code: string; reason?: string },
): Promise<void> {
  const problem = await answer.json()
  expect(problem).toMatchObject({ status, ...body })
  expect(answer.status).toBe(status)
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
}
