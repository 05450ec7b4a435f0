import { expect, test } from 'bun:test'
import schema from '@asyncapi/specs/schemas/3.0.0-without-$id.json'
import { asyncApi } from '@plaza/websocket/asyncapi'
import Ajv from 'ajv'
import addFormats from 'ajv-formats'

type Frame = { type: string; event?: { type: string } }
type Channel = { messages: Record<string, { payload: object; examples?: { payload: unknown }[] }> }

const document = JSON.parse(JSON.stringify(asyncApi))

test('the document of frames and events is valid AsyncAPI 3', () => {
  const ajv = new Ajv({ strict: false, allErrors: true })
  addFormats(ajv)
  const validate = ajv.compile(schema)
  validate(document)
  expect(validate.errors ?? []).toEqual([])
})

test('every frame and event has an example, which is what its own schema says', () => {
  const ajv = new Ajv({ strict: false })
  addFormats(ajv)
  const channels: Channel[] = Object.values(document.channels)
  for (const [name, message] of channels.flatMap(({ messages }) => Object.entries(messages))) {
    const examples = message.examples ?? []
    expect([name, examples.length]).toEqual([name, 1])
    for (const { payload } of examples) {
      const validate = ajv.compile(message.payload)
      expect([name, validate(payload), validate.errors]).toEqual([name, true, null])
    }
  }
})

test('every frame of the worked session is what its schema says, and so is the event in it', () => {
  const ajv = new Ajv({ strict: false })
  addFormats(ajv)
  const check = (channel: string, name: string, value: unknown) => {
    const validate = ajv.compile(document.channels[channel].messages[name].payload)
    expect([name, validate(value), validate.errors]).toEqual([name, true, null])
  }
  const lines: string[][] = [...document.info.description.matchAll(/^([→←]) (\{.*\})$/gm)]
  expect(lines.length).toBeGreaterThan(10)
  for (const [, arrow, text = ''] of lines) {
    const frame: Frame = JSON.parse(text)
    check(arrow === '→' ? 'said' : 'shown', frame.type, frame)
    if (frame.event) check('events', frame.event.type, frame.event)
  }
})
