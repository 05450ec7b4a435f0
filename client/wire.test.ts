import { expect, test } from 'bun:test'
import type { AuthApi } from '@plaza/auth/api'
import type { ProblemBody } from '@plaza/kit/problem'
import type { MessageApi } from '@plaza/message/api'
import type { UserApi } from '@plaza/user/api'
import type * as frames from '@plaza/websocket/frames'
import type { hc, InferRequestType, InferResponseType } from 'hono/client'
import type * as wire from './wire.ts'

type Auth = ReturnType<typeof hc<AuthApi>>['api']['v1']['auth']
type User = ReturnType<typeof hc<UserApi>>['api']['v1']
type Talk = ReturnType<typeof hc<MessageApi>>['api']['v1']
type One = Talk['conversations'][':conversationId']

/** Whether each of two types takes every value of the other. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false

/** Whether one type takes every value of another, which may be the stricter one. */
type Takes<A, B> = [B] extends [A] ? true : false

/** Each line fails to compile when the client's type and the server's part ways; `bun run check` says so. */
const same = {
  session: true satisfies Same<wire.Session, InferResponseType<Auth['login']['$post'], 200>>,
  me: true satisfies Same<wire.Me, InferResponseType<Auth['me']['$get'], 200>>,
  devices: true satisfies Same<wire.Page<wire.Device>, InferResponseType<Auth['sessions']['$get'], 200>>,
  erasure: true satisfies Same<wire.Erasure, InferResponseType<Auth['erasures'][':erasureId']['$get'], 200>>,
  people: true satisfies Same<wire.Page<wire.Person>, InferResponseType<User['users']['$get'], 200>>,
  profile: true satisfies Same<
    wire.Profile,
    InferResponseType<User['users'][':userId']['profile']['$get'], 200>
  >,
  privacy: true satisfies Same<wire.Privacy, InferResponseType<User['me']['privacy']['$get'], 200>>,
  contacts: true satisfies Same<wire.Page<wire.Contact>, InferResponseType<User['contacts']['$get'], 200>>,
  blocks: true satisfies Same<wire.Page<wire.Block>, InferResponseType<User['blocks']['$get'], 200>>,
  relations: true satisfies Same<
    wire.Relation & { person: wire.Person | null },
    InferResponseType<User['contacts']['changes']['$get'], 200>['items'][number]
  >,
  conversations: true satisfies Same<
    wire.Page<wire.Conversation>,
    InferResponseType<Talk['conversations']['$get'], 200>
  >,
  history: true satisfies Same<wire.History, InferResponseType<One['messages']['$get'], 200>>,
  draft: true satisfies Takes<InferRequestType<One['messages']['$post']>['json'], wire.Draft>,
  changes: true satisfies Same<wire.Changes, InferResponseType<One['changes']['$get'], 200>>,
  hits: true satisfies Same<
    wire.Page<wire.SearchHit>,
    InferResponseType<Talk['search']['messages']['$get'], 200>
  >,
  problem: true satisfies Same<wire.ProblemBody, ProblemBody>,
  serverFrames: true satisfies Same<wire.ServerFrame['type'], frames.ServerFrame['type']>,
  clientFrames: true satisfies Same<wire.ClientFrame['type'], frames.ClientFrame['type']>,
  presence: true satisfies Same<
    Extract<wire.ServerFrame, { type: 'presence' }>,
    Extract<frames.ServerFrame, { type: 'presence' }>
  >,
  gap: true satisfies Same<wire.GapFrame, Extract<frames.ServerFrame, { type: 'gap' }>>,
}

test('what the client takes for the types that travel are the server’s own', () => {
  expect(new Set(Object.values(same))).toEqual(new Set([true]))
})
