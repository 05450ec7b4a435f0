import { expect, test } from 'bun:test'
import schema from '@asyncapi/specs/schemas/3.0.0-without-$id.json'
import { asyncApi } from '@plaza/websocket/asyncapi'
import Ajv from 'ajv'
import addFormats from 'ajv-formats'

type Channel = { messages: Record<string, { payload: object; examples?: { payload: unknown }[] }> }

const document = JSON.parse(JSON.stringify(asyncApi))

test('the document of frames and events is valid AsyncAPI 3', () => {
  const ajv = new Ajv({ strict: false, allErrors: true })
  addFormats(ajv)
  const validate = ajv.compile(schema)
  validate(document)
  expect(validate.errors ?? []).toEqual([])
})

test('every example is what its own schema says', () => {
  const ajv = new Ajv({ strict: false })
  addFormats(ajv)
  let examples = 0
  const channels: Channel[] = Object.values(document.channels)
  for (const [name, message] of channels.flatMap(({ messages }) => Object.entries(messages)))
    for (const { payload } of message.examples ?? []) {
      const validate = ajv.compile(message.payload)
      examples += 1
      expect([name, validate(payload), validate.errors]).toEqual([name, true, null])
    }
  expect(examples).toBeGreaterThan(0)
})
