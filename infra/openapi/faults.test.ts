import { expect, test } from 'bun:test'
import { asyncApi } from '@plaza/websocket/asyncapi'
import { openApiOf, services } from './document.ts'
import { findFaults } from './faults.ts'

const withComponent = (schema: object) => ({ openapi: '3.1.0', components: { schemas: { Noun: schema } } })
const fault = 'Noun admits null: use anyOf of it and null where it may be absent'

test.each([
  { type: 'null' },
  { type: ['object', 'null'] },
  { type: 'object', nullable: true },
  { enum: ['a', null] },
  { anyOf: [{ type: 'object' }, { type: 'null' }] },
  { oneOf: [{ type: 'object' }, { type: ['string', 'null'] }] },
  { allOf: [{ type: ['object', 'null'] }, { type: ['object', 'null'] }] },
])('a component that admits null is told: %j', (schema) => {
  expect(findFaults(withComponent(schema))).toEqual([fault])
})

test.each([
  { type: 'object', properties: { name: { type: ['string', 'null'] } } },
  {
    type: 'object',
    properties: { noun: { anyOf: [{ $ref: '#/components/schemas/Noun' }, { type: 'null' }] } },
  },
  { allOf: [{ $ref: '#/components/schemas/Other' }, { type: 'object' }] },
])('null inside of a component is fine: %j', (schema) => {
  expect(findFaults(withComponent(schema))).toEqual([])
})

test.each([{}, { summary: ' ' }, { summary: 'one\ntwo' }])(
  'an operation without a line about it is told',
  (more) => {
    const document = { paths: { '/things': { get: { operationId: 'listThings', ...more } } } }
    expect(findFaults(document)).toEqual(['listThings has no summary of one line'])
  },
)

test('the documents have none', () => {
  for (const name of Object.keys(services)) expect(findFaults(openApiOf(name))).toEqual([])
  expect(findFaults(asyncApi)).toEqual([])
})
