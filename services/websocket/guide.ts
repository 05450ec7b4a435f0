import { bob, clientExamples, conversationId, message, serverExamples } from './examples.ts'
import { type ClientFrame, closeCodes, heartbeatSeconds, type ServerFrame } from './frames.ts'

const says = (...frames: ClientFrame[]) => frames.map((frame) => `→ ${JSON.stringify(frame)}`).join('\n')
const shows = (...frames: ServerFrame[]) => frames.map((frame) => `← ${JSON.stringify(frame)}`).join('\n')

const code = (...lines: string[]) => `\`\`\`text\n${lines.join('\n')}\n\`\`\``

const epoch = '3.1k9x0c4f2m'
const { ready, event } = serverExamples
const answer = {
  ...message,
  id: '0199d1c2-8100-7f99-a377-b8c7f61d0008',
  seq: 13,
  revision: 16,
  senderId: bob,
  text: 'Yes, at eight.',
  createdAt: '2026-11-21T08:00:09.000Z',
}
const { id, revision: version, createdAt: time } = answer
const answerShown: ServerFrame = {
  type: 'event',
  // The place before it holds the own message.
  cursor: `${epoch}-1743`,
  event: { ...event.event, id, time, actor: bob, version, data: answer },
}
const { send, typing, watch } = clientExamples

/** How a client talks to the socket, in Markdown; the frames in it are examples that the tests hold against the schemas. */
export const guide = `## A session from its beginning to its end

\`→\` is what the client says, \`←\` what the server says. Every frame is JSON text of 64 KB at most with a \`type\`; pass over types and fields that you do not know.

**1. Get a ticket** with the access token, by HTTP:

${code(
  'POST /api/v1/ws/ticket',
  'Authorization: Bearer <access token>',
  '',
  '201 Created',
  '{"ticket":"pB1vN0c8l2m4Yq7tR5sXzW9kE3uJ6hAd","expiresAt":"2026-11-21T08:00:30.000Z"}',
)}

A ticket stands for the session in the address of the socket, where a browser cannot send headers. It opens one socket, within 30 seconds unless the operator has set otherwise, and is void afterwards, also when the attempt failed. Get another one for each attempt.

**2. Connect** to \`ws://localhost:8000/api/v1/ws?ticket=pB1vN0c8l2m4Yq7tR5sXzW9kE3uJ6hAd\` (\`wss:\` where the site is served by HTTPS). A ticket that is not good is refused before the handshake, which a browser shows as a connection that failed.

**3. Say hello** within 10 seconds, before anything else. A device that has no cursor yet leaves it out:

${code(says({ type: 'hello' }), shows({ ...ready, resumed: false }))}

\`ready\` says that delivery begins now. Load the lists by HTTP after it (\`GET /api/v1/conversations\`, \`GET /api/v1/contacts\`): what happens meanwhile comes as an event, so that nothing falls in between.

**4. Send.** \`ref\` is your name for the frame, by which the answer is told; \`key\` names the message, as the header \`Idempotency-Key\` does by HTTP:

${code(says(send), shows(serverExamples.sent))}

\`sent\` means that the message is stored for good. There is no event of it at this socket. If neither \`sent\` nor \`error\` has come when the connection is lost, send it again with the same \`key\`, by socket or by HTTP: it is stored once.

**5. Listen.** The other person answers. Every event has a cursor, its place in the user's mailbox. Say that the message has arrived and was read, so that its sender sees it, and how far the device has come:

${code(
  shows(answerShown),
  says(
    { type: 'receipt', conversationId, deliveredSeq: 13, readSeq: 13 },
    { type: 'ack', cursor: answerShown.cursor },
  ),
)}

**6. Keep the line alive** (see the heartbeat below):

${code(says({ type: 'ping' }), shows({ type: 'pong' }))}

**7. Come back.** After a drop get another ticket, connect, and say hello with the cursor of the last event that you have worked on. What came meanwhile follows as events:

${code(says({ type: 'hello', cursor: answerShown.cursor }), shows({ ...ready, cursor: answerShown.cursor, resumed: true }))}

**8. Or find a gap**, when the mailbox cannot go on from there. Repair it (see below), while events go on coming:

${code(
  says({ type: 'hello', cursor: answerShown.cursor }),
  shows({ ...ready, cursor: serverExamples.gap.cursor, resumed: false }, serverExamples.gap),
)}

## Cursor and ack

The client keeps the cursor of the last event that it has worked on, in a place that outlives a restart, beside what it made of the events. \`hello\` goes on from there and from nowhere else.

\`ack\` tells the server the same. The server keeps it for the session, and \`GET /api/v1/queue\` without a cursor goes on from it; it removes nothing from the mailbox. Only the newest counts, so once in a second is enough. It is not answered, unless the place is none that this socket was sent (\`cursor_ahead\`, \`cursor_invalid\`).

## Heartbeat

\`heartbeatSeconds\` of \`ready\` (${heartbeatSeconds}) is for how long a line may be silent. Say \`ping\` twice in that time; if nothing at all has come for as long, the line is dead: close the socket and connect again. The server itself sends pings of the WebSocket protocol, which browsers answer unasked, and cuts off a socket from which it has heard nothing for 100 seconds.

A socket lives as long as its session, not as its access token. A session ends when it was not refreshed for 30 days, and at the latest 365 days after its log-in, unless the operator has set otherwise. What is said at the socket does not count, so refresh now and then also where nothing is asked by HTTP.

## Gaps

| reason | what happened |
| --- | --- |
| \`trimmed\` | The device was away while more came than the mailbox holds: 4,096 events or 4 MB |
| \`epoch\` | The mailbox began anew: nothing had come for a week, the server has lost its mailboxes, or the cursor is none of them |
| \`ahead\` | The mailbox came back from an older state and ends before the cursor |

A gap may come after \`ready\`, or later in an open socket. For each reason a client does the same:

1. Go on taking events, and keep the old cursor until the repair is done: whoever crashes in between then finds the gap again. Afterwards keep the cursor of the last event, or that of \`gap\`.
2. For each of \`scopes.conversations\` whose \`revision\` is higher than yours: \`GET /api/v1/conversations/{id}/changes?after=<your revision>\`, until \`more\` is false. Its \`deliveredSeq\` and \`readSeq\` are your own pointers.
3. Where \`scopes.more\` is true, or \`scopes.conversations\` is null since nobody could say, go through \`GET /api/v1/conversations\` in the same way.
4. If \`scopes.contacts\` is higher than your version of contacts and blocks, or null: \`GET /api/v1/contacts/changes?after=<your version>\`, until \`more\` is false.
5. Read your own profile and privacy settings again. Events \`queue.enqueued\` that have not expired come again by themselves.

After a gap the mailbox begins with the oldest event that it holds, so some may come that you know.

## Order, and what comes twice

Events of one conversation come nearly in their order, and some may come twice. So compare before you take one over:

- a message by its id: take \`data\` if its \`revision\` is higher than that of what you have;
- a hole in \`seq\` mostly closes by itself in less than a second; else fetch the changes since the last \`revision\` without a hole;
- a receipt by conversation and person: the higher of each pointer;
- a contact or block by \`otherId\`: \`data\` if its \`version\` is higher. Begin the question for changes a little (16) below the newest version that you know;
- your profile and privacy settings by \`version\`;
- anything else by the event's \`id\`, so keep the ids of the newest: after a gap \`queue.enqueued\` comes again until it expires, even if it was acknowledged.

## Typing and presence

Neither is in the mailbox. Typing that is missed is not shown later; presence that changes while the client is behind with reading is shown once it has caught up, as it is by then.

${code(says(typing, watch), shows(serverExamples.typing, serverExamples.presence))}

Repeat \`typing\` every few seconds while the user writes; it ends after 10 seconds without one, with \`active\` false, or with the socket. \`watch\` is answered with the presence of each person, then with every change; ask again at each new socket, for 200 people at most, and end it by \`unwatch\`. Who may not be seen looks offline. \`presence\` of the client says \`away\` and \`online\` again.

## Refusals

\`error\` holds a problem as HTTP answers it (see the description of the API at /docs), and the \`ref\` of the frame if it had one. A \`send\` is refused with what \`POST /api/v1/conversations/{conversationId}/messages\` answers; after \`unavailable\` send it again with the same \`key\`. Envelopes of more than 48 KB go by HTTP alone. Further reasons: \`frame_binary\`, \`frame_malformed\`, \`frame_invalid\`, \`hello_first\`, \`too_many_watched\`, \`cursor_invalid\`, \`cursor_ahead\`, and \`over_budget\` for more than 600 frames or 4 MB a minute, with bursts of 120 frames and 1 MB.

${code(shows(serverExamples.error))}

## When the server closes

| code | why | what to do |
| --- | --- | --- |
| ${closeCodes.resumeElsewhere} | This node stops, as \`resume\` has said | Connect again with the cursor, at some moment within the \`withinMs\` of \`resume\` |
| ${closeCodes.slow} | The client read too little for 30 seconds | Connect again with the cursor |
| ${closeCodes.sessionEnded} | The session has ended, or the role has changed | Refresh, then connect again; if the refresh is refused, log in |
| ${closeCodes.timeOut} | \`hello\` did not come within 10 seconds | Connect again |
| ${closeCodes.overBudget} | Much more was said than the limits allow | Connect again after a while |
| ${closeCodes.badFrame} | Five frames were not valid | Mend the client |
| ${closeCodes.tooLarge} | A frame was larger than 64 KB | Mend the client |
| any other | The line broke | Connect again with the cursor, after a random pause that grows from one attempt to the next |`
