import type { Log } from '@plaza/kit/log'
import { unexpectedErrors } from '@plaza/kit/metrics'
import type { Redis } from '@plaza/kit/redis'
import { type Appended, toAppended } from './appended.ts'
import type { Config } from './config.ts'
import type { Generation } from './generation.ts'
import { appendsKey, keysOf } from './keys.ts'
import { freshEpoch, keepMs } from './mailbox.ts'
import { MailboxesAway } from './mailboxes-away.ts'
import { emptyLargest } from './memory.ts'
import { runScript } from './script.ts'
import { appendScript, countScript } from './scripts.ts'

/** A frame on its way into a mailbox: the event's text, what of it is kept, and the id of the frame that leaves for it. */
export type Frame = { id: string; text: string; stored: string; replaces?: string | undefined }

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
  config: Pick<Config, 'MAILBOX_FRAMES' | 'MAILBOX_BYTES' | 'MAILBOXES_PER_CALL'>
}

export function createAppender({ redis, generation, log, config }: Options): Appender {
  const limits = [keepMs, config.MAILBOX_FRAMES, config.MAILBOX_BYTES]
  let relieving: Promise<unknown> | undefined

  const appendTo = async (mail: Mail, head: Head): Promise<Appended[]> => {
    const keys: string[] = []
    const args = [...head]
    // Most frames go to several mailboxes, and are given once.
    const positions = new Map<Frame, number>()
    for (const [, frames] of mail)
      for (const frame of frames) if (!positions.has(frame)) positions.set(frame, 0)
    args.push(positions.size)
    for (const frame of positions.keys()) {
      // Lua counts from 1.
      positions.set(frame, args.length + 1)
      args.push(frame.id, frame.stored, frame.replaces ?? '')
    }
    for (const [userId, frames] of mail) {
      const own = keysOf(userId)
      keys.push(own.frames, own.meta, own.nodes)
      args.push(frames.length)
      for (const frame of frames) args.push(positions.get(frame) ?? 0)
    }
    const answers = await runScript(redis, appendScript, keys, args)
    return Array.isArray(answers)
      ? mail.flatMap((letter, index) => toAppended(letter, String(answers[index])))
      : []
  }
  const countAppends = async (count: number): Promise<number> => {
    try {
      return Number(await runScript(redis, countScript, [appendsKey], [count]))
    } catch (error) {
      throw toAway(error, generation)
    }
  }
  /** What can be done at once about appends that failed; throws MailboxesAway when only waiting helps. */
  const repeat = async (mail: Mail, head: Head, reason: unknown): Promise<Appended[]> => {
    try {
      if (isOutOfMemory(reason)) {
        relieving ??= emptyLargest(redis, log).finally(() => {
          relieving = undefined
        })
        await relieving
      } else if (isAway(reason)) {
        throw reason
      } else if (mail.length > 1) {
        // One of them is broken: each by itself shows which.
        const each = mail.map((letter) =>
          appendTo([letter], head).catch((error) => repeat([letter], head, error)),
        )
        return (await Promise.all(each)).flat()
      } else {
        await beginAnew(mail, reason)
      }
      return await appendTo(mail, head)
    } catch (error) {
      throw toAway(error, generation)
    }
  }
  /** A mailbox is a cache, so one that Redis cannot append to is dropped. */
  const beginAnew = async (mail: Mail, reason: unknown) => {
    for (const [userId] of mail) {
      log.error({ err: reason, userId }, 'a mailbox is broken and begins anew')
      unexpectedErrors.inc({ service: 'relay' })
      const { frames, meta, nodes } = keysOf(userId)
      await redis.unlink(frames, meta, nodes)
    }
  }

  return {
    async append(mail, { onlyAway } = { onlyAway: false }) {
      if (mail.size === 0) return []
      const head = [generation.current(), freshEpoch(), Date.now(), ...limits, onlyAway ? 1 : 0]
      const parts = split([...mail], config.MAILBOXES_PER_CALL)
      // The count comes last: a Redis that has lost one of the appends has lost the count after it, too.
      const [settled, appends] = await Promise.all([
        Promise.allSettled(parts.map((part) => appendTo(part, head))),
        countAppends(countFrames(mail.values())),
      ])
      let repeated = 0
      const results = await Promise.all(
        settled.map((result, index) => {
          const part = parts[index] ?? []
          if (result.status === 'fulfilled') return result.value
          repeated += countFrames(part.map(([, frames]) => frames))
          return repeat(part, head, result.reason)
        }),
      )
      generation.noteAppends(repeated > 0 ? await countAppends(repeated) : appends)
      return results.flat()
    },
  }
}

/** A user's frames. */
export type Letter = readonly [userId: string, frames: readonly Frame[]]
type Mail = readonly Letter[]
type Head = readonly (string | number)[]

function split(mail: Mail, size: number): Mail[] {
  const parts: Mail[] = []
  for (let from = 0; from < mail.length; from += size) parts.push(mail.slice(from, from + size))
  return parts
}

function countFrames(lists: Iterable<readonly Frame[]>): number {
  let count = 0
  for (const frames of lists) count += frames.length
  return count
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
