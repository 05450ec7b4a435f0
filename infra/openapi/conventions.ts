import { type ProblemBody, statuses } from '@plaza/kit/problem'

type Code = ProblemBody['code']

/** What a client does about each code. */
const advice: Record<Code, string> = {
  invalid:
    'Mend the request; `errors` names the places. The status is 413 for a body of more than 1 MiB (`too_large`), ' +
    '415 for one that is not `application/json` (`media_type`), 422 for a key that came with another body (`key_reused`)',
  unauthenticated:
    'Refresh once and repeat the call; if the refresh is refused, too, log in again. Reasons: `token_expired`, ' +
    '`token_invalid`, `revoked`, or none where no token was sent',
  forbidden: 'Do not repeat it: this user may not do it',
  not_found: 'It does not exist, or this user may not know of it: both look alike',
  conflict: 'Read the present state and decide anew',
  limited: 'Wait as many seconds as `Retry-After` says, where it is given',
  unavailable: 'Wait as many seconds as `Retry-After` says, then repeat with the same `Idempotency-Key`',
  internal: 'A fault of Plaza: report it with its `requestId`',
}

const statusOf = (code: Code) => (code === 'internal' ? 500 : statuses[code])

const codes = Object.entries(advice) as [Code, string][]

export const exampleProblem: ProblemBody = {
  type: 'about:blank',
  title: 'This is not allowed',
  status: 403,
  code: 'forbidden',
  reason: 'not_accepting',
  detail: 'This person does not accept messages from you',
  requestId: '0199d1c2-9000-7f88-9266-a7b6e50cff07',
}

/** What holds for every operation, in Markdown. */
export const conventions = `### Calls

- \`POST /api/v1/auth/register\` and \`POST /api/v1/auth/login\` give an access token, good until \`expiresAt\` (15 minutes at most), and a refresh token. Send \`Authorization: Bearer <access token>\`. Operations without a lock need none.
- \`x-access\` says who may call: \`public\`, \`user\`, \`moderator\` or \`admin\`. A higher role may do what a lower one may.
- Bodies are JSON as \`application/json\`, 1 MiB at most. Ids are UUIDs, times are RFC 3339 in UTC. Pass over fields that you do not know.
- The gateway takes 50 calls a second from a user, and as many from an address that is not logged in, in bursts of up to 200. Log-in, registration and the calls that take a token of a mail are counted by address: 100 in 15 minutes. Beyond that it answers 429. The operator may have set other limits.

### Pages

A list takes \`limit\` (1 to 100, 50 unless given) and \`cursor\`, and answers \`items\` and \`nextCursor\`. Ask for the next page with \`cursor\` set to it and all else the same; it is null on the last page. A cursor is opaque, and one that the list did not give is a 400 \`cursor_invalid\`. Messages and changes are paged by \`seq\` and \`revision\` instead, as they say themselves.

### Repeats

GET, PUT and DELETE may be repeated as they are. A POST that takes an \`Idempotency-Key\` may be repeated with the same key: choose a new one (1 to 128 visible ASCII characters, such as a UUID) for each thing that the user does, and keep it until an answer has come. Within 24 hours the same key with the same body gets the first answer again, a refusal, too, with \`Idempotency-Replayed: true\` (what finds or asks, such as opening a conversation, answers its first status with the present state); answers of 429 and from 500 on are not kept. While the first is still being worked on it is a 409 \`in_flight\`, and with another body a 422 \`key_reused\`.

### Problems

Every error but one has the type \`application/problem+json\` (RFC 9457) and this shape:

\`\`\`json
${JSON.stringify(exampleProblem, null, 2)}
\`\`\`

- \`code\` is always there, one of those below. \`reason\` is there where a program may want to tell one case from another; each operation names its own. Act on these two, not on \`title\` and \`detail\`, which are for people and may change.
- \`errors\` lists up to 20 places of a request that is not valid, each with \`path\` (such as \`json.text\`, \`query.limit\`) and \`message\`.
- \`requestId\` is also in the header \`X-Request-Id\`.
- The gateway checks the access token before a service is asked, so a 401 may come from any operation that needs one. It answers unknown addresses (404) and services that are away (503) by itself, in the same shape without \`detail\`.
- The one exception is the gateway's own 429, for more calls than it takes: plain text. A 429 with a problem comes from a service and names its \`reason\`. \`Retry-After\` says in seconds when the next call is worth making.

| code | status | what to do |
| --- | --- | --- |
${codes.map(([code, text]) => `| \`${code}\` | ${statusOf(code)} | ${text} |`).join('\n')}`
