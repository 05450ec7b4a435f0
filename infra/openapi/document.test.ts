import { expect, test } from 'bun:test'
import { ProblemBody } from '@plaza/kit/problem'
import { validate } from '@readme/openapi-parser'
import { exampleProblem } from './conventions.ts'
import { openApiOf, services } from './document.ts'

type Operation = { operationId: string; 'x-access': string; security: object[] }
type Document = { info: { description: string }; paths: Record<string, Record<string, Operation>> }

/** The document as it is written: without what JSON leaves out. */
const documentOf = (name: string): Document => JSON.parse(JSON.stringify(openApiOf(name)))
const operationsOf = (document: Document) =>
  Object.values(document.paths).flatMap((item) => Object.values(item))

for (const name of Object.keys(services)) {
  test(`the document of ${name} is valid OpenAPI 3.1`, async () => {
    const result = await validate(JSON.parse(JSON.stringify(openApiOf(name))))
    expect(result).toMatchObject({ valid: true })
  })

  test(`every operation of ${name} says who may call it, and none is internal`, () => {
    const document = documentOf(name)
    for (const operation of operationsOf(document)) {
      expect(['public', 'user', 'moderator', 'admin']).toContain(operation['x-access'])
      expect(operation.security).toEqual(operation['x-access'] === 'public' ? [] : [{ bearer: [] }])
    }
    expect(Object.keys(document.paths).filter((path) => path.startsWith('/internal'))).toEqual([])
  })
}

test('no two operations share a name, and no two services an address', () => {
  const documents = Object.keys(services).map(documentOf)
  const names = documents.flatMap((document) => operationsOf(document).map(({ operationId }) => operationId))
  expect(new Set(names).size).toBe(names.length)
  const paths = documents.flatMap((document) => Object.keys(document.paths))
  expect(new Set(paths).size).toBe(paths.length)
})

test('a document is the same each time it is made', () => {
  for (const name of Object.keys(services)) expect(documentOf(name)).toEqual(documentOf(name))
})

test('what is said of problems is true to their schema, and names every code', () => {
  expect(ProblemBody.strict().parse(exampleProblem)).toEqual(exampleProblem)
  for (const name of Object.keys(services)) {
    const { description } = documentOf(name).info
    for (const code of ProblemBody.shape.code.options) expect(description).toContain(`| \`${code}\` |`)
  }
})
