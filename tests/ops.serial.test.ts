import { afterAll, expect, test } from 'bun:test'
import { join } from 'node:path'
import { eventually } from '@plaza/kit/testing'
import { z } from 'zod'
import { all, someoneNew } from './people.ts'
import { startPlaza } from './plaza.ts'

const plaza = await startPlaza()
afterAll(() => plaza.stop())
const ada = await someoneNew(plaza.url, 'ada')
const ben = await someoneNew(plaza.url, 'ben')
afterAll(() => Promise.all([ada, ben].map(({ client }) => client.close())))

/** Runs an operator's command as `bun run ops` does. */
async function ops(...words: string[]) {
  const entry = join(import.meta.dir, '../infra/ops.ts')
  const child = Bun.spawn([process.execPath, entry, '--data', plaza.data, ...words], {
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [said, complaint] = await Promise.all([child.stdout.text(), child.stderr.text()])
  return { said: said.trim(), complaint: complaint.trim(), code: await child.exited }
}

test('the first admin is made by a command', async () => {
  expect(await ops('admin', 'grant', ada.username)).toMatchObject({
    code: 0,
    said: `${ada.username} is admin now`,
  })
  await eventually(async () => expect((await ada.client.account.me()).role).toBe('admin'))
})

test('what cannot be done is said in one line, with exit code 1', async () => {
  for (const words of [
    ['admin', 'grant', 'nobody-of-this-name'],
    ['admin', 'grant', ben.username, 'emperor'],
    ['keys', 'rotate', 'now'],
    ['dead-letters', 'show', 'x'],
    ['dead-letters', 'replay', crypto.randomUUID()],
    ['fly'],
    ['--wings'],
  ]) {
    const { complaint, code } = await ops(...words)
    expect([words, code, complaint.split('\n').length, complaint.startsWith('plaza: ')]).toEqual([
      words,
      1,
      1,
      true,
    ])
  }
})

test('an incomplete command is answered with its usage, with exit code 2', async () => {
  const usages: [string[], string[]][] = [
    [['admin'], ['admin grant']],
    [
      ['dead-letters'],
      ['dead-letters list', 'dead-letters show', 'dead-letters replay', 'dead-letters drop'],
    ],
    [['dead-letters', 'replay'], ['dead-letters replay']],
  ]
  for (const [words, commands] of usages) {
    const { complaint, code } = await ops(...words)
    const [, ...lines] = complaint.split('\n').map((line) => line.trim().split(' ').slice(0, 2).join(' '))
    expect([words, code, lines]).toEqual([words, 2, commands])
  }
})

test('a new signing key is published while tokens of the old one stay good', async () => {
  const KeySet = z.object({ keys: z.array(z.unknown()) })
  const keys = async () => {
    const answer = await fetch(`${plaza.url}/.well-known/jwks.json`)
    return KeySet.parse(await answer.json()).keys.length
  }
  const before = await keys()
  expect(await ops('keys', 'rotate')).toMatchObject({ code: 0 })
  await eventually(async () => expect(await keys()).toBe(before + 1))
  expect(await ben.client.account.me()).toMatchObject({ id: ben.id })
})

test('there are no dead letters, and that is no error', async () => {
  expect(await ops('dead-letters', 'list')).toMatchObject({ code: 0, said: 'no dead letters' })
  expect(await ops('dead-letters', 'replay', 'all')).toMatchObject({ code: 0, said: 'no dead letters' })
})

test('read models are made anew while people talk, and nothing is missed', async () => {
  const { id } = await ada.client.talk.open(ben.id)
  const told: string[] = []
  ben.client.on('message', ({ text }) => told.push(text ?? ''))
  await ben.client.connect()
  await ada.client.send(id, 'one acorn')
  await eventually(() => expect(told).toEqual(['one acorn']))
  expect(await all(ben.client.talk.search('acorn'))).toHaveLength(1)
  for (const model of ['mailboxes', 'search', 'unread'])
    expect(await ops('rebuild', model)).toMatchObject({ code: 0 })
  await ada.client.send(id, 'two acorns')
  await eventually(() => expect(told).toEqual(['one acorn', 'two acorns']))
  expect(await all(ben.client.talk.search('acorn'))).toHaveLength(1)
})
