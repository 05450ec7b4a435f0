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
import { appendScript, countScript } from './scripts.ts'
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
  const countAppends = async (count: number): Promise<number> => {
    try {
      return Number(await runScript(redis, countScript, [appendsKey], [count]))
    } catch (error) {
      throw toAway(error, generation)
    }
  }
  /** What can be done at once about an append that failed; throws MailboxesAway when only waiting helps. */
  const repeat = async (
    userId: string,
    frames: readonly Frame[],
    head: (string | number)[],
    reason: unknown,
  ) => {
    try {
      if (isOutOfMemory(reason)) {
        relieving ??= emptyLargest(redis, log).finally(() => {
          relieving = undefined
        })
        await relieving
      } else if (isAway(reason)) {
        throw reason
      } else {
        // A mailbox is a cache, so one that Redis cannot append to begins anew.
        log.error({ err: reason, userId }, 'a mailbox is broken and begins anew')
        unexpectedErrors.inc({ service: 'relay' })
        const { frames: stream, meta, ids, nodes } = keysOf(userId)
        await redis.unlink(stream, meta, ids, nodes)
      }
      return await appendTo(userId, frames, head)
    } catch (error) {
      throw toAway(error, generation)
    }
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
        countAppends(count),
      ])
      let repeated = 0
      const results = await Promise.all(
        settled.map((result, index) => {
          const [userId, frames] = users[index] ?? ['', []]
          if (result.status === 'fulfilled') return result.value
          repeated += frames.length
          return repeat(userId, frames, head, result.reason)
        }),
      )
      generation.noteAppends(repeated > 0 ? await countAppends(repeated) : appends)
      return results.flatMap((appended) => (appended && appended.nodes.length > 0 ? appended : []))
    },
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
