import { z } from 'zod'
import { fill, listOperations, type Operation } from '../operations.ts'
import { call, type Person, register } from '../trust/_people.ts'

/** One good request. */
export type Good = { as?: Person; ids?: Record<string, string>; query?: string; body?: unknown }

export type Answered = { id: string; status: number; text: string; type: string }

const Id = z.object({ id: z.string() })
const Place = z.object({ cursor: z.string() })
const token = 'A'.repeat(43)

/**
 * Makes what a good request of each operation needs: people, a conversation, requests for contact. `auth` is
 * where people register, if not through the gateway.
 */
export async function prepareRequests(url: string, boss: Person, auth = url): Promise<Record<string, Good>> {
  const people = await Promise.all(Array.from({ length: 17 }, () => register(auth)))
  const next = (): Person => {
    const person = people.pop()
    if (!person) throw new Error('more people are needed')
    return person
  }
  const make = async (method: string, path: string, by: Person, body?: unknown) => {
    const answer = await call(url, method, path, by.accessToken, body)
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${await answer.text()}`)
    return await answer.text()
  }
  const [ada, ben] = [next(), next()]
  const talk = Id.parse(JSON.parse(await make('POST', '/api/v1/conversations', ada, { userId: ben.id })))
  const write = async () =>
    Id.parse(
      JSON.parse(await make('POST', `/api/v1/conversations/${talk.id}/messages`, ada, { text: 'hello' })),
    ).id
  const [read, edited, deleted] = [await write(), await write(), await write()]
  const [asker, refused, asked, friend] = [next(), next(), next(), next()]
  for (const one of [asker, refused, friend]) await make('POST', '/api/v1/contacts', one, { userId: ada.id })
  await make('PUT', `/api/v1/messages/${read}/reactions/${encodeURIComponent('👎')}`, ada)
  await make('POST', `/api/v1/contacts/${friend.id}/accept`, ada)
  const stranger = next()
  await make('PUT', `/api/v1/blocks/${stranger.id}`, ada)
  const { cursor } = Place.parse(JSON.parse(await make('GET', '/api/v1/queue', ada)))
  const inTalk = { as: ada, ids: { conversationId: talk.id } }
  const ofMessage = { as: ada, ids: { messageId: read, emoji: '👍' } }
  const about = (person: Person, by = ada) => ({ as: by, ids: { userId: person.id } })
  const own = { as: ada }
  const [banned, ranked, ended, blocked] = [next(), next(), next(), next()]
  const changed = next()
  const privacy = {
    whoMayWrite: 'everyone',
    whoSeesPresence: 'everyone',
    sendDeliveryReceipts: true,
    sendReadReceipts: true,
  }
  const newcomer = `n${crypto.randomUUID().slice(0, 8)}`
  return {
    acceptContact: about(asker),
    acknowledgeQueue: { ...own, body: { cursor } },
    addReaction: ofMessage,
    advanceReceipts: { ...inTalk, as: ben, body: { readSeq: 1 } },
    banUser: { ...about(banned, boss), body: { reason: 'because' } },
    blockUser: about(blocked),
    changePassword: {
      as: changed,
      body: { currentPassword: changed.password, newPassword: 'seven quiet walruses hum' },
    },
    connect: { query: `?ticket=${token}` },
    countUnread: own,
    createMessage: { ...inTalk, body: { text: 'hello again' } },
    createTicket: own,
    deleteMe: { as: next(), body: { password: ada.password } },
    deleteMessage: { as: ada, ids: { messageId: deleted } },
    editMessage: { as: ada, ids: { messageId: edited }, body: { text: 'good bye' } },
    endSessionsOfUser: about(ended, boss),
    enqueue: { as: boss, body: { userId: ada.id, type: 'note', data: {} } },
    forgotPassword: { body: { email: `${ada.username}@example.org` } },
    getConversation: inTalk,
    getErasure: { ids: { erasureId: crypto.randomUUID() } },
    getKeys: {},
    getMe: own,
    getMessage: ofMessage,
    getPrivacy: own,
    getProfile: about(ben),
    getUserAsAdmin: about(ben, boss),
    listBlocks: own,
    listChanges: inTalk,
    listContactChanges: own,
    listContacts: { ...own, query: '?state=accepted' },
    listConversations: own,
    listMessages: inTalk,
    listQueue: own,
    listSessions: own,
    listUsers: { as: boss },
    login: { body: { login: ben.username, password: ben.password } },
    logout: { as: next() },
    logoutDevice: { as: ben, ids: { sessionId: crypto.randomUUID() } },
    logoutEverywhere: { as: next() },
    openConversation: { ...own, body: { userId: ben.id } },
    refresh: { body: { refreshToken: next().refreshToken } },
    refuseContact: about(refused),
    register: { body: { username: newcomer, email: `${newcomer}@example.org`, password: ada.password } },
    removeContact: about(friend),
    removeReaction: { as: ada, ids: { messageId: read, emoji: '👎' } },
    requestContact: { ...own, body: { userId: asked.id } },
    requestEmailVerification: { as: ben },
    resetPassword: { body: { token, newPassword: 'seven quiet walruses hum' } },
    searchMessages: { ...own, query: '?query=hello' },
    searchUsers: { ...own, query: `?query=${ben.username}` },
    setRole: { ...about(ranked, boss), body: { role: 'moderator' } },
    unbanUser: about(ben, boss),
    unblockUser: about(stranger),
    updatePrivacy: { ...own, body: privacy },
    updateProfile: { ...about(ada), body: { bio: 'I read much' } },
    validateToken: own,
    verifyEmail: { body: { token } },
  }
}

export const operations = await listOperations()

/** Makes the requests of these operations, all at once, at the gateway or at a service. */
export const askAll = (
  requests: Record<string, Good>,
  baseOf: (operation: Operation) => string,
  wanted: Operation[] = operations,
): Promise<Answered[]> =>
  Promise.all(
    wanted.map(async (operation) => {
      const { as, ids = {}, query = '', body } = requests[operation.id] ?? {}
      const path = fill(operation.path, ids) + query
      const answer = await call(baseOf(operation), operation.method, path, as?.accessToken, body)
      const type = answer.headers.get('content-type') ?? ''
      return { id: operation.id, status: answer.status, text: await answer.text(), type }
    }),
  )

/** The status of each operation, by its name. */
export const statusesOf = (answers: Answered[]): Record<string, number> =>
  Object.fromEntries(answers.map(({ id, status }) => [id, status]))

/** Whether an answer is what a caller gets of something that is away: 503 as problem+json. */
export const isUnavailable = ({ status, type, text }: Answered): boolean =>
  status === 503 && type.includes('application/problem+json') && JSON.parse(text).code === 'unavailable'
