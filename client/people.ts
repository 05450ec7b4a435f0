import type { Api } from './api.ts'
import type {
  Block,
  Contact,
  ContactState,
  Person,
  Privacy,
  PrivacySettings,
  Profile,
  ProfileEdit,
} from './wire.ts'

const root = '/api/v1'

/** Other people: their profiles, contacts, blocks, and who may do what. */
export const createPeople = (api: Api) => ({
  /** People whose user name, or a word of whose display name, begins so. */
  search: (query: string) => api.list<Person>(`${root}/users`, { query }),
  profile: (userId: string) => api.call<Profile>('GET', `${root}/users/${userId}/profile`),
  updateProfile: (userId: string, change: ProfileEdit) =>
    api.call<Profile>('PUT', `${root}/users/${userId}/profile`, { body: change }),
  privacy: () => api.call<Privacy>('GET', `${root}/me/privacy`),
  setPrivacy: (settings: PrivacySettings) =>
    api.call<Privacy>('PUT', `${root}/me/privacy`, { body: settings }),
  contacts: (state?: Exclude<ContactState, 'none'>) => api.list<Contact>(`${root}/contacts`, { state }),
  ask: (userId: string) => api.create<Contact>(`${root}/contacts`, { userId }),
  accept: (userId: string) =>
    api.call<Contact>('POST', `${root}/contacts/${userId}/accept`, { repeat: true }),
  refuse: (userId: string) => api.call<void>('POST', `${root}/contacts/${userId}/refuse`, { repeat: true }),
  remove: (userId: string) => api.call<void>('DELETE', `${root}/contacts/${userId}`),
  blocks: () => api.list<Block>(`${root}/blocks`),
  block: (userId: string) => api.call<void>('PUT', `${root}/blocks/${userId}`),
  unblock: (userId: string) => api.call<void>('DELETE', `${root}/blocks/${userId}`),
})
