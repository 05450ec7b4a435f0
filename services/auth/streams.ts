import { nanos } from '@nats-io/transport-node'
import { accessTokenLifeSeconds, heartbeatSubject, revocationStream } from '@plaza/kit/revocation'
import type { StreamSpec } from '@plaza/kit/stream'

/** The streams that only auth publishes to. A revocation is forgotten when the tokens it voids are dead. */
export const streams: StreamSpec[] = [
  { name: 'AUTH', subjects: ['evt.user.>'] },
  {
    name: revocationStream,
    subjects: [heartbeatSubject, 'evt.tokens.>'],
    max_age: nanos((accessTokenLifeSeconds + 300) * 1_000),
  },
]
