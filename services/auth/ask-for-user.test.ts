import { expect, test } from 'bun:test'
import { newId } from '@plaza/kit/id'
import { askForUser } from './ask-for-user.ts'

const ask = (status: number) => askForUser(async () => Response.json({ id: '7' }, { status }), newId())

test('the answer about somebody, nothing about nobody, and unavailable when auth cannot say', async () => {
  expect(await (await ask(200))?.json()).toEqual({ id: '7' })
  expect(await ask(404)).toBeUndefined()
  expect(ask(500)).rejects.toMatchObject({ code: 'unavailable' })
})
