import { expect, test } from 'bun:test'
import { asyncApi } from './asyncapi.ts'
import { deviceEvents } from './event-examples.ts'
import { clientExamples, serverExamples } from './examples.ts'
import { ClientFrame, closeCodes, EventFrame, GapFrame, ServerFrame } from './frames.ts'

test('every frame has an example that its schema takes', () => {
  for (const example of Object.values(clientExamples)) ClientFrame.parse(example)
  for (const example of Object.values(serverExamples)) ServerFrame.parse(example)
  const kinds = (union: typeof ClientFrame | typeof ServerFrame) =>
    union.options.map(({ shape }) => shape.type.value).sort()
  expect(Object.keys(asyncApi.channels.said.messages).sort()).toEqual(kinds(ClientFrame))
  expect(Object.keys(asyncApi.channels.shown.messages).sort()).toEqual(kinds(ServerFrame))
})

test('every event has an example that its schema takes, whole', () => {
  for (const { schema, example } of deviceEvents) {
    expect(schema.parse(example.data)).toEqual(example.data)
    EventFrame.parse({ type: 'event', cursor: '1.a-1', event: example })
  }
  const revisionOf = ({ data }: { data: unknown }) => Object(data).revision ?? Object(data).version
  for (const { example } of deviceEvents)
    expect([example.type, example.version ?? 0]).toEqual([example.type, revisionOf(example) ?? 0])
})

test('the guide names every frame, every reason for a gap and every code of a close', () => {
  const { description } = asyncApi.info
  const { said, shown } = asyncApi.channels
  for (const name of [...Object.keys(said.messages), ...Object.keys(shown.messages)])
    expect(description).toMatch(new RegExp(`"type":"${name}"|\`${name}\``))
  for (const reason of GapFrame.shape.reason.options) expect(description).toContain(`| \`${reason}\` |`)
  for (const code of Object.values(closeCodes)) expect(description).toContain(`| ${code} |`)
})

test('the document is plain JSON, and every reference leads somewhere', () => {
  const document = JSON.parse(JSON.stringify(asyncApi))
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/(channels[^"]*)"/g)]
  expect(references.length).toBeGreaterThan(20)
  for (const [, path = ''] of references) {
    const target = path.split('/').reduce((at, step) => at?.[step], document)
    expect(target).toBeDefined()
  }
})
