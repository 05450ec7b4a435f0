import { z } from 'zod'

const Operation = z.looseObject({ operationId: z.string(), summary: z.string().optional() })
const Document = z.object({
  paths: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  components: z.object({ schemas: z.record(z.string(), z.unknown()).default({}) }).prefault({}),
})

/**
 * What makes a document hard to use although it is valid: an operation without a summary, and a component that
 * admits null, for a noun that may be absent says so where it is used, as `anyOf` of the noun and null.
 */
export const findFaults = (document: unknown): string[] => {
  const { paths, components } = Document.parse(document)
  const operations = Object.values(paths)
    .flatMap((item) => Object.values(item))
    .flatMap((operation) => Operation.safeParse(operation).data ?? [])
  return [
    ...operations
      .filter(({ summary }) => !summary?.trim() || summary.includes('\n'))
      .map(({ operationId }) => `${operationId} has no summary of one line`),
    ...Object.entries(components.schemas)
      .filter(([, schema]) => admitsNull(schema))
      .map(([name]) => `${name} admits null: use anyOf of it and null where it may be absent`),
  ]
}

const Schema = z.object({
  type: z.union([z.string(), z.array(z.string())]).optional(),
  nullable: z.boolean().optional(),
  const: z.unknown().optional(),
  enum: z.array(z.unknown()).default([]),
  anyOf: z.array(z.unknown()).default([]),
  oneOf: z.array(z.unknown()).default([]),
  allOf: z.array(z.unknown()).default([]),
})

/** Whether a schema says that its value may be null; what it refers to is looked at under its own name. */
const admitsNull = (value: unknown): boolean => {
  const { data: schema } = Schema.safeParse(value)
  if (!schema) return false
  return (
    [schema.type].flat().includes('null') ||
    schema.nullable === true ||
    schema.const === null ||
    schema.enum.includes(null) ||
    [...schema.anyOf, ...schema.oneOf].some(admitsNull) ||
    (schema.allOf.length > 0 && schema.allOf.every(admitsNull))
  )
}
