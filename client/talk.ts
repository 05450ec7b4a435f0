import type { Api } from './api.ts'
import type { Conversation, History, Message, SearchHit } from './wire.ts'

/** Where a page of history lies: before or after a `seq`, around one, or the newest. */
export type HistoryQuery = { before?: number; after?: number; around?: number; limit?: number }

const root = '/api/v1'

/** Conversations and their messages. Sending stands in `client.send`, which prefers the socket. */
export const createTalk = (api: Api) => ({
  /** The direct conversation with a person: found, or made now. */
  open: (userId: string) => api.create<Conversation>(`${root}/conversations`, { userId }),
  /** One's conversations, the most recently active first. */
  conversations: () => api.list<Conversation>(`${root}/conversations`, { limit: 100 }),
  conversation: (id: string) => api.call<Conversation>('GET', `${root}/conversations/${id}`),
  unread: () => api.call<{ messages: number; conversations: number }>('GET', `${root}/conversations/unread`),
  /** One page of a conversation. */
  history: (conversationId: string, query: HistoryQuery = {}) =>
    api.call<History>('GET', `${root}/conversations/${conversationId}/messages`, { query }),
  message: (id: string) => api.call<Message>('GET', `${root}/messages/${id}`),
  edit: (id: string, text: string) =>
    api.call<Message>('PATCH', `${root}/messages/${id}`, { body: { text } }),
  remove: (id: string) => api.call<void>('DELETE', `${root}/messages/${id}`),
  react: (id: string, emoji: string) =>
    api.call<Message>('PUT', `${root}/messages/${id}/reactions/${encodeURIComponent(emoji)}`),
  unreact: (id: string, emoji: string) =>
    api.call<Message>('DELETE', `${root}/messages/${id}/reactions/${encodeURIComponent(emoji)}`),
  /** One's own plain messages and those one was sent, the best match first. */
  search: (query: string, conversationId?: string) =>
    api.list<SearchHit>(`${root}/search/messages`, { query, conversationId }),
})
