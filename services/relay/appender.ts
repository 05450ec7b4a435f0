import type { Log } from '@plaza/kit/log'
import { unexpectedErrors } from '@plaza/kit/metrics'
import type { Redis } from '@plaza/kit/redis'
import type { Config } from './config.ts'
import type { Generation } from './generation.ts'
import { appendsKey, keysOf } from './keys.ts'
import { freshEpoch, keepMs } from './mailbox.ts'
import { MailboxesAway } from './mailboxes-away.ts'
import { emptyLargest } from './memory.ts'
import { runScript } from './script.ts'
import { appendScript } from './scripts.ts'
import type { WakeUp } from './wake-up.ts'

/** A frame on its way into a mailbox: the event's text, and what of it is kept. */
export type Frame = { id: string; text: string; stored: string }

/** Where a user's frames came to stand, and the nodes at which the user is connected. */
export type Appended = { nodes: string[]; runs: WakeUp[] }

export type Appender = {
  /**
   * Appends frames to mailboxes, each once however often it comes. Answers only for users who are
   * connected somewhere. Throws MailboxesAway when any of it must be tried again.
   */
  append(mail: ReadonlyMap<string, readonly Frame[]>, options?: { onlyAway: boolean }): Promise<Appended[]>
}

type Options = {
  redis: Redis
  generation: Generation
  log: Log
  config: Pick<Config, 'MAILBOX_FRAMES' | 'MAILBOX_BYTES'>
}

export function createAppender({ redis, generation, log, config }: Options): Appender {
  const limits = [config.MAILBOX_FRAMES, config.MAILBOX_BYTES]
  let relieving: Promise<unknown> | undefined

  const appendTo = async (userId: string, frames: readonly Frame[], head: (string | number)[]) => {
    const { frames: stream, meta, ids, nodes } = keysOf(userId)
    const args = [...head]
    for (const { id, stored } of frames) args.push(id, stored)
    return toAppended(userId, frames, await runScript(redis, appendScript, [stream, meta, ids, nodes], args))
  }
  /** A mailbox is a cache, so one that Redis cannot append to begins anew. */
  const appendAnew = async (userId: string, frames: readonly Frame[], head: (string | number)[]) => {
    const { frames: stream, meta, ids, nodes } = keysOf(userId)
    await redis.unlink(stream, meta, ids, nodes)
    return await appendTo(userId, frames, head)
  }

  return {
    async append(mail, { onlyAway } = { onlyAway: false }) {
      if (mail.size === 0) return []
      const head = [generation.current(), freshEpoch(), Date.now(), keepMs, ...limits, onlyAway ? 1 : 0]
      const users = [...mail]
      const count = users.reduce((sum, [, frames]) => sum + frames.length, 0)
      // The count comes last: a Redis that has lost one of the appends has lost the count after it, too.
      const [settled, appends] = await Promise.all([
        Promise.allSettled(users.map(([userId, frames]) => appendTo(userId, frames, head))),
        redis.incrby(appendsKey, count).catch((error: unknown) => toAway(error, generation)),
      ])
      const results = await Promise.all(
        settled.map(async (result, index) => {
          if (result.status === 'fulfilled') return result.value
          const [userId, frames] = users[index] ?? ['', []]
          relieving ??= relieve(result.reason)?.finally(() => {
            relieving = undefined
          })
          await relieving
          if (isAway(result.reason)) throw toAway(result.reason, generation)
          log.error({ err: result.reason, userId }, 'a mailbox is broken and begins anew')
          unexpectedErrors.inc({ service: 'relay' })
          return await appendAnew(userId, frames, head)
        }),
      )
      if (typeof appends !== 'number') throw appends
      generation.noteAppends(appends)
      return results.flatMap((appended) => (appended && appended.nodes.length > 0 ? appended : []))
    },
  }

  function relieve(reason: unknown): Promise<unknown> | undefined {
    return isOutOfMemory(reason) ? emptyLargest(redis, log) : undefined
  }
}

/** Redis's own refusals that have nothing to do with the mailbox. */
const passing = [
  'STALE',
  'OOM',
  'LOADING',
  'READONLY',
  'MISCONF',
  'BUSY',
  'CLUSTERDOWN',
  'MASTERDOWN',
  'NOAUTH',
]

const isOutOfMemory = (error: unknown) => error instanceof Error && error.message.includes('OOM')

const isAway = (error: unknown): boolean =>
  !(error instanceof Error && error.name === 'ReplyError') ||
  passing.some((word) => error.message.includes(word))

function toAway(error: unknown, generation: Generation): MailboxesAway {
  if (error instanceof MailboxesAway) return error
  if (error instanceof Error && error.message.includes('STALE')) generation.suspect()
  return new MailboxesAway('mailboxes cannot be written now', error)
}

function toAppended(userId: string, frames: readonly Frame[], answer: unknown): Appended | undefined {
  const [epoch, places, nodes] = Array.isArray(answer) ? answer : []
  if (!Array.isArray(places) || !Array.isArray(nodes)) return undefined
  const live = nodes.length > 0 ? frames : []
  const runs = toRuns(live.map(({ text }, index) => ({ n: Number(places[index]), text })))
  return {
    nodes: nodes.map(String),
    runs: runs.map((run) => ({ userId, epoch: String(epoch), ...run })),
  }
}

const runChars = 128 << 10

/** Texts that follow each other without a hole, in parts that fit a message. */
function toRuns(placed: { n: number; text: string }[]): { first: number; texts: string[] }[] {
  const runs: { first: number; texts: string[] }[] = []
  let next = -1
  let chars = 0
  for (const { n, text } of placed) {
    const run = runs.at(-1)
    chars += text.length
    if (run && n === next && chars <= runChars) run.texts.push(text)
    else {
      runs.push({ first: n, texts: [text] })
      chars = text.length
    }
    next = n + 1
  }
  return runs
}
