import { expect, test } from 'bun:test'
import { asyncApi } from './asyncapi.ts'
import { clientExamples, serverExamples } from './examples.ts'
import { ClientFrame, ServerFrame } from './frames.ts'

test('every frame has an example that its schema takes', () => {
  for (const example of Object.values(clientExamples)) ClientFrame.parse(example)
  for (const example of Object.values(serverExamples)) ServerFrame.parse(example)
  const kinds = (union: typeof ClientFrame | typeof ServerFrame) =>
    union.options.map(({ shape }) => shape.type.value).sort()
  expect(Object.keys(asyncApi.channels.said.messages).sort()).toEqual(kinds(ClientFrame))
  expect(Object.keys(asyncApi.channels.shown.messages).sort()).toEqual(kinds(ServerFrame))
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
