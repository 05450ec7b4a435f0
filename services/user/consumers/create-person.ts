import { userRegistered } from '@plaza/auth/events'
import { on } from '@plaza/kit/inbox'
import { createPerson } from '../people.ts'

/** Gives everyone who registers a profile. One that is there already, or a tombstone, stays as it is. */
export const createPersonOnRegistration = on(userRegistered, 'user-create-person', ({ data }, tx) =>
  createPerson(tx, data),
)
