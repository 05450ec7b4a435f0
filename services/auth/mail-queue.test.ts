import { afterAll, expect, test } from 'bun:test'
import { createServer, type Socket } from 'node:net'
import { readConfig } from '@plaza/kit/config'
import { registry } from '@plaza/kit/metrics'
import { eventually } from '@plaza/kit/testing'
import { Config } from './config.ts'
import { startMailQueue } from './mail-queue.ts'
import { createWorld } from './tests/_world.ts'

const smtp = await startSmtp()
afterAll(() => smtp.stop())
const { auth, deps, environment, sql, register, start } = await createWorld(import.meta.path, {
  SMTP_URL: smtp.url,
  MAIL_FROM: 'Plaza <p@plaza.test>',
})

const metrics = async () => await (await fetch(`${auth.url}/metrics`)).text()
const hurry = () => sql`update mails set next_attempt_at = now()`

test('a mail goes to the server named by SMTP_URL, once', async () => {
  const { user } = await register()
  const mail = await eventually(() => smtp.find(user.email))
  expect(mail).toContain('From: Plaza <p@plaza.test>')
  expect(mail).toContain('Subject: Confirm your e-mail address')
  await eventually(async () => expect(await sql`select id from mails`).toHaveLength(0))
})

test('a mail that the server refuses, or that finds no server, is sent later; the request did not wait', async () => {
  smtp.refuse(true)
  const { user } = await register()
  expect(await metrics()).toContain('mails_waiting{service="auth"} 1\n')
  await eventually(async () =>
    expect(await sql`select attempts from mails where user_id = ${user.id} and attempts > 0`).toHaveLength(1),
  )
  await smtp.stop()
  await hurry()
  await eventually(async () =>
    expect(await sql`select attempts from mails where user_id = ${user.id} and attempts > 1`).toHaveLength(1),
  )
  smtp.refuse(false)
  await smtp.start()
  await hurry()
  await eventually(() => smtp.find(user.email))
  await eventually(async () => expect(await metrics()).toContain('mails_waiting{service="auth"} 0\n'))
})

test('two instances that reach for the same mails send each once', async () => {
  const second = await start()
  const { user } = await register()
  await eventually(() => smtp.find(user.email))
  await sql`
    insert into mails (id, kind, user_id, next_attempt_at)
    select gen_random_uuid(), 'password_changed', ${user.id}, now() + interval '1 second'
    from generate_series(1, 15)`
  await sql.begin(async (tx) => {
    await tx`select id from mails where user_id = ${user.id} for update`
    // Both look every second: whoever does not pass by locked rows now waits for them, and takes them afterwards.
    await Bun.sleep(3_000)
  })
  await eventually(async () => expect(await sql`select id from mails`).toHaveLength(0))
  const ids = smtp.all(user.email).flatMap((mail) => /^Message-ID: (.*)$/im.exec(mail)?.[1] ?? [])
  expect(ids).toHaveLength(16)
  expect(new Set(ids).size).toBe(16)
  await second.stop()
})

test('an auth that has stopped shows nothing more of what waits', async () => {
  expect(await metrics()).toContain('outbox_pending_events{service="auth"}')
  await auth.stop()
  expect(await registry.metrics()).not.toMatch(/^(mails_|outbox_|dead_)\w+\{/m)
})

test('a queue that has stopped is not read any more, though its database is there', async () => {
  const config = readConfig(Config, environment)
  const queue = startMailQueue({ sql, log: deps.host.log, config, send: async () => {} })
  expect(await registry.metrics()).toContain('mails_waiting{service="auth"} 0\n')
  await queue.stop()
  expect(await registry.metrics()).not.toContain('mails_waiting{')
})

/** A server that speaks as much SMTP as a client needs. */
async function startSmtp() {
  const received: string[] = []
  const sockets = new Set<Socket>()
  let refusing = false
  const talk = (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    let text = ''
    let inData = false
    const reply = (line: string) => socket.write(`${line}\r\n`)
    reply('220 test')
    socket.on('data', (chunk) => {
      text += chunk.toString()
      for (;;) {
        const end = text.indexOf(inData ? '\r\n.\r\n' : '\r\n')
        if (end < 0) return
        const part = text.slice(0, end)
        text = text.slice(end + (inData ? 5 : 2))
        if (inData) {
          received.push(part)
          inData = false
          reply('250 taken')
        } else if (part === 'DATA') {
          inData = true
          reply('354 go on')
        } else if (/^RCPT/.test(part) && refusing) reply('451 later')
        else reply(/^QUIT/.test(part) ? '221 bye' : '250 ok')
      }
    })
  }
  let server = createServer(talk)
  const listen = (port: number) =>
    new Promise<number>((resolve) => {
      server = createServer(talk)
      server.listen(port, '127.0.0.1', () => {
        const address = server.address()
        resolve(typeof address === 'object' && address ? address.port : 0)
      })
    })
  const port = await listen(0)
  const all = (email: string) => received.filter((mail) => mail.includes(`To: ${email}`))
  return {
    url: `smtp://127.0.0.1:${port}`,
    all,
    find(email: string) {
      const [mail] = all(email)
      if (!mail) throw new Error(`no mail to ${email}`)
      return mail
    },
    refuse(whether: boolean) {
      refusing = whether
    },
    start: () => listen(port),
    stop: () =>
      new Promise<void>((resolve) => {
        for (const socket of sockets) socket.destroy()
        server.close(() => resolve())
      }),
  }
}
