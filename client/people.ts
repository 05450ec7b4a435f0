import type { Api } from './api.ts'

export type Profile = {
  userId: string
  username: string
  displayName: string | null
  bio: string | null
}
export type Privacy = {
  whoMayWrite: 'everyone' | 'contacts' | 'nobody'
  whoSeesPresence: 'everyone' | 'contacts' | 'nobody'
  sendDeliveryReceipts: boolean
  sendReadReceipts: boolean
}
/** How another person stands to the one who asks. */
export type Contact = { userId: string; otherId: string; state: ContactState; version: number }
export type ContactState = 'accepted' | 'incoming' | 'outgoing' | 'none'

const root = '/api/v1'

/** Other people: their profiles, contacts, blocks, and who may do what. */
export const createPeople = (api: Api) => ({
  /** People whose user name or display name matches. */
  search: (query: string) => api.list<Profile>(`${root}/users`, { query }),
  profile: (userId: string) => api.call<Profile>('GET', `${root}/users/${userId}/profile`),
  updateProfile: (userId: string, change: Partial<Profile>) =>
    api.call<Profile>('PUT', `${root}/users/${userId}/profile`, { body: change }),
  privacy: () => api.call<Privacy>('GET', `${root}/me/privacy`),
  setPrivacy: (change: Privacy) => api.call<Privacy>('PUT', `${root}/me/privacy`, { body: change }),
  contacts: (state?: Exclude<ContactState, 'none'>) => api.list<Contact>(`${root}/contacts`, { state }),
  ask: (userId: string) => api.create<Contact>(`${root}/contacts`, { userId }),
  accept: (userId: string) =>
    api.call<Contact>('POST', `${root}/contacts/${userId}/accept`, { repeat: true }),
  refuse: (userId: string) => api.call<void>('POST', `${root}/contacts/${userId}/refuse`, { repeat: true }),
  remove: (userId: string) => api.call<void>('DELETE', `${root}/contacts/${userId}`),
  blocks: () => api.list<{ userId: string }>(`${root}/blocks`),
  block: (userId: string) => api.call<void>('PUT', `${root}/blocks/${userId}`),
  unblock: (userId: string) => api.call<void>('DELETE', `${root}/blocks/${userId}`),
})
