import {
  type DeadLetter,
  dropDeadLetters,
  listDeadLetters,
  replayDeadLetter,
  showDeadLetters,
} from '@plaza/kit/dead-letters'
import { Failure } from '../failure.ts'
import { storesOf, type Target, withNats, withSql } from './where.ts'

const isId = (text: string) => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)

/** Prints one line for each dead letter. */
export const listLetters = async (target: Target) => {
  const letters = await allLetters(target)
  if (letters.length === 0) console.log('no dead letters')
  for (const { eventId, deadAt, consumer, attempts, error } of letters)
    console.log([eventId, deadAt.toISOString(), consumer, `${attempts} tries`, firstLine(error)].join('  '))
}

/** Prints one dead letter with its event. */
export const showLetter = async (target: Target, event = '') => {
  const found = await inEach(target, (sql) => showDeadLetters(sql, idOf(event)))
  if (found.length === 0) throw none(event)
  for (const { body, ...letter } of found)
    console.log(JSON.stringify({ ...letter, event: parse(body) }, null, 2))
}

/** Replays the letters of one event, or all there are; the exit code is 1 when one stays dead. */
export const replayLetters = async (target: Target, event = '') => {
  const letters = await (event === 'all'
    ? allLetters(target)
    : inEach(target, (sql) => showDeadLetters(sql, idOf(event))))
  if (letters.length === 0 && event !== 'all') throw none(event)
  if (letters.length === 0) return console.log('no dead letters')
  await withNats(target, async (nats) => {
    for (const { consumer, eventId } of letters) {
      const error = await replayDeadLetter(nats, { consumer, eventId })
      console.log(`${eventId}  ${consumer}  ${error ? `stays dead: ${firstLine(error)}` : 'done'}`)
      if (error) process.exitCode = 1
    }
  })
}

/** Drops the letters of one event. */
export const dropLetters = async (target: Target, event = '') => {
  const counts = await inEach(target, async (sql) => [await dropDeadLetters(sql, idOf(event))])
  const count = counts.reduce((sum, one) => sum + one, 0)
  if (count === 0) throw none(event)
  console.log(`${event}  dropped`)
}

const allLetters = async (target: Target): Promise<DeadLetter[]> =>
  (await inEach(target, (sql) => listDeadLetters(sql, 1_000))).sort(
    (a, b) => Number(b.deadAt) - Number(a.deadAt),
  )

/** Asks the database of each service in turn. */
const inEach = async <T>(
  target: Target,
  ask: (sql: Parameters<typeof listDeadLetters>[0]) => Promise<T[]>,
) => {
  const answers: T[] = []
  for (const service of storesOf(target)) answers.push(...(await withSql(target, service, ask)))
  return answers
}

const idOf = (event: string): string => {
  if (isId(event)) return event
  throw new Failure(`"${event}" is no event's id: see dead-letters list`)
}

const none = (event: string) => new Failure(`there is no dead letter ${event}`)

const firstLine = (text: string) => text.split('\n')[0] ?? ''

/** An event that is no JSON at all is shown as it is. */
const parse = (body: string): unknown => {
  try {
    return JSON.parse(body)
  } catch {
    return body
  }
}
