/**
 * The floor that the benchmark compares with: what storing a message costs at the least on this machine.
 * A batched insert of message and event, a publication, an append to both mailboxes, no check of any kind; whoever
 * listens is told as soon as it is stored. It speaks the product's frames and paths, so that the same load generator
 * drives both. A log-in is a look-up, a hash and a row there.
 */
import { verify } from '@node-rs/argon2'
import { createBatcher } from '@plaza/kit/batch'
import { startConsumer } from '@plaza/kit/consumer'
import { newId } from '@plaza/kit/id'
import { createLog } from '@plaza/kit/log'
import { connectNats } from '@plaza/kit/nats'
import { recipientsHeader } from '@plaza/kit/publisher'
import { connectRedis } from '@plaza/kit/redis'
import { connectSql, type Sql } from '@plaza/kit/sql'
import { ensureStream } from '@plaza/kit/stream'

type Socket = { userId: string; listensTo: string }
type Message = { id: string; conversationId: string; senderId: string; key: string; text: string }

const { DATABASE_URL = '', NATS_URL = '', REDIS_URL = '', PORT = '0' } = process.env
const log = createLog('error')
const sql = connectSql({ url: DATABASE_URL, name: 'floor', connections: 4 })
const nats = await connectNats(NATS_URL, 'floor', log)
const redis = connectRedis(REDIS_URL, 'floor', log)
await createTables(sql)
await ensureStream(nats, { name: 'FLOOR', subjects: ['floor.>'] })

const listeners = new Map<string, Bun.ServerWebSocket<Socket>>()
const subjectOf = (conversationId: string) => `floor.${conversationId}`

const store = createBatcher<Message, Message>({
  async run(messages) {
    const rows = messages.map((message) => ({
      id: message.id,
      subject: subjectOf(message.conversationId),
      body: JSON.stringify({
        specversion: '1.0',
        id: message.id,
        source: '/floor',
        type: 'message.created',
        data: message,
      }),
      recipients: `${message.senderId},${message.conversationId}`,
    }))
    const column = (name: keyof Message) => messages.map((message) => message[name])
    await sql`
      with stored as (
        insert into messages (conversation_id, id, seq, sender_id, key, text)
        select conversation_id, id, nextval('message_seq')::int, sender_id, key, text
        from unnest(
          ${column('conversationId')}::uuid[], ${column('id')}::uuid[], ${column('senderId')}::uuid[],
          ${column('key')}::text[], ${column('text')}::text[]
        ) as job (conversation_id, id, sender_id, key, text)
      )
      insert into outbox (id, subject, body, recipients)
      select * from unnest(
        ${rows.map((row) => row.id)}::uuid[], ${rows.map((row) => row.subject)}::text[],
        ${rows.map((row) => row.body)}::text[], ${rows.map((row) => row.recipients)}::text[]
      )`
    for (const row of rows) {
      listeners.get(row.subject)?.send(`{"type":"event","event":${row.body}}`)
      nats.publish(row).catch((error) => log.error({ err: error }, 'not published'))
    }
    return messages
  },
})

await startConsumer({
  nats,
  log,
  stream: 'FLOOR',
  durable: 'floor-append',
  subjects: ['floor.>'],
  maxPending: 5_000,
  healthy: () => redis.ping(),
  isOutage: () => true,
  async handle(messages) {
    await Promise.all(
      messages.flatMap((message) =>
        (message.headers?.get(recipientsHeader) ?? '')
          .split(',')
          .map((userId) => redis.xadd(`floor:{${userId}}`, 'MAXLEN', '~', 4_096, '*', 'b', message.string())),
      ),
    )
    for (const message of messages) message.ack()
  },
})

async function logIn(request: Request): Promise<Response> {
  const { login, password } = (await request.json()) as { login: string; password: string }
  const [account] = await sql`
    select hash
    from accounts
    where name = ${login}`
  if (!account || !(await verify(account.hash, password))) return new Response(null, { status: 401 })
  await sql`
    insert into sessions (id, name)
    values (${newId()}, ${login})`
  return Response.json({ login })
}

async function register(request: Request): Promise<Response> {
  const accounts = (await request.json()) as { names: string[]; hash: string }
  await sql`
    insert into accounts (name, hash)
    select name, ${accounts.hash}
    from unnest(${accounts.names}::text[]) as name`
  return new Response(null, { status: 204 })
}

const server = Bun.serve<Socket>({
  hostname: '127.0.0.1',
  port: Number(PORT),
  idleTimeout: 120,
  async fetch(request, server) {
    const url = new URL(request.url)
    const senderId = url.searchParams.get('user') ?? ''
    if (url.pathname === '/floor/ws') {
      const data = { userId: senderId, listensTo: subjectOf(url.searchParams.get('conversation') ?? '') }
      return server.upgrade(request, { data }) ? undefined : new Response(null, { status: 400 })
    }
    if (url.pathname === '/floor/login') return await logIn(request)
    if (url.pathname === '/floor/register') return await register(request)
    const [, , conversationId = ''] = url.pathname.split('/')
    const { text } = (await request.json()) as { text: string }
    const key = request.headers.get('idempotency-key') ?? newId()
    return Response.json(await store.add({ id: newId(), conversationId, senderId, key, text }), {
      status: 201,
    })
  },
  websocket: {
    open: (ws) => void listeners.set(ws.data.listensTo, ws),
    async message(ws, data) {
      const { ref, key, conversationId, text } = JSON.parse(String(data)) as Record<
        'ref' | 'key' | 'conversationId' | 'text',
        string
      >
      const message = await store.add({ id: newId(), conversationId, senderId: ws.data.userId, key, text })
      ws.send(JSON.stringify({ type: 'sent', ref, message }))
    },
  },
})
console.log(JSON.stringify({ port: server.port }))

/** The product's tables with their indexes, as the data model asks for them; of accounts and sessions the least. */
async function createTables(sql: Sql) {
  await sql.unsafe(`
    create sequence message_seq;
    create table messages (
      conversation_id uuid not null,
      id uuid not null,
      seq int not null,
      revision int not null default 0,
      sender_id uuid not null,
      key text not null,
      text text not null,
      created_at timestamptz not null default now(),
      primary key (conversation_id, seq),
      unique (conversation_id, sender_id, key)
    );
    create index on messages (id);
    create index on messages (conversation_id, revision);
    create table outbox (
      id uuid not null,
      created_at timestamptz not null default now(),
      subject text not null,
      body text not null,
      recipients text not null
    );
    create index on outbox (created_at);
    create table accounts (name text primary key, hash text not null);
    create table sessions (id uuid primary key, name text not null)`)
}
