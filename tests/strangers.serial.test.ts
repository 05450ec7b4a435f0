import { afterAll, expect, test } from 'bun:test'
import { fill, listOperations, type Operation } from './operations.ts'
import { type Someone, someoneNew, unexpectedErrors } from './people.ts'
import { startPlaza } from './plaza.ts'

const plaza = await startPlaza()
afterAll(() => plaza.stop())

const ada = await someoneNew(plaza.url, 'ada')
const ben = await someoneNew(plaza.url, 'ben')
const secret = 'the treasure lies under the oak'
const conversation = await ada.client.talk.open(ben.id)
const message = await ada.client.send(conversation.id, secret)
await ada.client.talk.react(message.id, '👍')
await ada.client.people.ask(ben.id)
await ben.client.people.accept(ada.id)
await ada.client.people.block((await someoneNew(plaza.url, 'cid')).id)
const session = await ada.client.account.session()
const ids: Record<string, string> = {
  conversationId: conversation.id,
  messageId: message.id,
  sessionId: session?.sessionId ?? '',
  userId: ada.id,
  emoji: '👍',
  erasureId: crypto.randomUUID(),
}
afterAll(() => Promise.all([ada, ben].map(({ client }) => client.close())))

/**
 * What a stranger with a good token and ada's ids gets. `refused`: 403 or 404. `own`: only what is the
 * stranger's. `shown`: what everybody who is logged in may see of ada. `void`: a credential is no good.
 */
type Case = { gets: 'refused' | 'own' | 'shown' | 'void'; body?: unknown; query?: string }
const refused = (body?: unknown): Case => ({ gets: 'refused', body })
const own = (body?: unknown, query?: string): Case => ({ gets: 'own', body, query: query ?? '' })
const token = 'A'.repeat(43)

const cases: Record<string, Case> = {
  register: own({ username: 'nobody', email: 'not-an-address', password: 'x' }),
  login: { gets: 'void', body: { login: ada.username, password: 'late otters juggle 8 plums' } },
  refresh: { gets: 'void', body: { refreshToken: token } },
  resetPassword: { gets: 'void', body: { token, newPassword: 'late otters juggle 8 plums' } },
  verifyEmail: { gets: 'void', body: { token } },
  forgotPassword: own({ email: `${ada.username}@example.org` }),
  getErasure: refused(),
  getKeys: own(),
  connect: { gets: 'void', query: `?ticket=${token}` },
  logout: own(),
  logoutEverywhere: own(),
  getMe: own(),
  validateToken: own(),
  listSessions: own(),
  logoutDevice: refused(),
  changePassword: {
    gets: 'void',
    body: { currentPassword: ada.password.toUpperCase(), newPassword: 'late otters juggle 8 plums' },
  },
  requestEmailVerification: own(),
  deleteMe: { gets: 'void', body: { password: ada.password.toUpperCase() } },
  listUsers: refused(),
  getUserAsAdmin: refused(),
  setRole: refused({ role: 'admin' }),
  banUser: refused({ reason: 'because' }),
  unbanUser: refused(),
  endSessionsOfUser: refused(),
  getProfile: { gets: 'shown' },
  updateProfile: refused({ bio: 'I was here' }),
  searchUsers: { gets: 'shown', query: `?query=${ada.username}` },
  getPrivacy: own(),
  updatePrivacy: own({
    whoMayWrite: 'everyone',
    whoSeesPresence: 'everyone',
    sendDeliveryReceipts: true,
    sendReadReceipts: true,
  }),
  listContacts: own(),
  listContactChanges: own(),
  requestContact: { gets: 'shown', body: { userId: ada.id } },
  acceptContact: refused(),
  refuseContact: own(),
  removeContact: own(),
  listBlocks: own(),
  blockUser: own(),
  unblockUser: own(),
  openConversation: { gets: 'shown', body: { userId: ada.id } },
  listConversations: own(),
  countUnread: own(),
  getConversation: refused(),
  createMessage: refused({ text: 'I was here' }),
  listMessages: refused(),
  listChanges: refused(),
  advanceReceipts: refused({ readSeq: 1 }),
  getMessage: refused(),
  editMessage: refused({ text: 'I was here' }),
  deleteMessage: refused(),
  addReaction: refused(),
  removeReaction: refused(),
  searchMessages: own(undefined, '?query=treasure'),
  searchMessagesOfConversation: {
    gets: 'refused',
    query: `?query=treasure&conversationId=${conversation.id}`,
  },
  enqueue: refused({ userId: ada.id, type: 'note', data: {} }),
  listQueue: own(),
  acknowledgeQueue: own({ cursor: '0-0' }),
  createTicket: own(),
}

const operations = await listOperations()
const { services } = await plaza.run()
const portOf = (name: string) =>
  services.flatMap((process) => process.services).find((service) => service.name === name)?.port

async function call(base: string, { method, path }: Operation, { body, query = '' }: Case, someone: Someone) {
  const bearer = (await someone.client.account.session())?.accessToken
  return await fetch(`${base}${fill(path, ids)}${query}`, {
    method,
    headers: { authorization: `Bearer ${bearer}`, ...(body ? { 'content-type': 'application/json' } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
}

/** What nobody but ada and ben may ever read. */
const secrets = [secret, 'treasure lies', `${ada.username}@example.org`, ids.sessionId ?? '', message.id]

async function check(base: string, operation: Operation, one: Case) {
  const eve = await someoneNew(plaza.url, 'eve')
  const answer = await call(base, operation, one, eve)
  const text = await answer.text()
  await eve.client.close()
  for (const piece of one.gets === 'refused' ? secrets.slice(0, 3) : secrets)
    expect(text).not.toContain(piece)
  if (one.gets === 'refused') expect([403, 404]).toContain(answer.status)
  if (one.gets === 'void') expect([400, 401, 403]).toContain(answer.status)
  if (one.gets === 'own') {
    expect(text).not.toContain(conversation.id)
    expect(answer.status).toBeLessThan(500)
  }
}

test('every operation of every document has its case here', () => {
  const known = Object.keys(cases).filter((id) => id !== 'searchMessagesOfConversation')
  expect(operations.map(({ id }) => id).filter((id) => !known.includes(id))).toEqual([])
  expect(known.filter((id) => !operations.some((operation) => operation.id === id))).toEqual([])
})

for (const [id, one] of Object.entries(cases)) {
  const operation = operations.find((candidate) => candidate.id === id.replace('OfConversation', ''))
  if (!operation) continue
  test(`a stranger gets nothing of another's by ${id}`, async () => {
    await check(plaza.url, operation, one)
    await check(`http://127.0.0.1:${portOf(operation.service)}`, operation, one)
  })
}

test('nobody but an admin reaches an operation of admins', () => {
  const ranked = operations.filter(({ access }) => access === 'admin' || access === 'moderator')
  expect(ranked.length).toBeGreaterThan(0)
  for (const { id } of ranked) expect(cases[id]?.gets).toBe('refused')
})

test('without a token nothing but the public operations answers, through the gateway and past it', async () => {
  for (const operation of operations.filter(({ access }) => access !== 'public'))
    for (const base of [plaza.url, `http://127.0.0.1:${portOf(operation.service)}`]) {
      const answer = await fetch(`${base}${fill(operation.path, ids)}`, { method: operation.method })
      expect([operation.id, answer.status]).toEqual([operation.id, 401])
    }
})

test('all that strangers tried has changed nothing', async () => {
  expect(await ada.client.talk.message(message.id)).toMatchObject({ text: secret, revision: 2 })
  expect((await ada.client.talk.history(conversation.id)).items).toHaveLength(1)
  expect((await ben.client.talk.conversation(conversation.id)).readSeq).toBe(0)
  expect(await ada.client.account.me()).toMatchObject({ id: ada.id, role: 'user' })
  expect((await ada.client.people.profile(ada.id)).bio).toBeNull()
})

test('nothing unexpected happened', async () => {
  const ports = services.flatMap((process) => process.services.map(({ port }) => port))
  expect(await unexpectedErrors(ports)).toBe(0)
})
