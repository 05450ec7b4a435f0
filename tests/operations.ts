import { join } from 'node:path'
import { z } from 'zod'

const Operation = z.object({
  operationId: z.string(),
  'x-access': z.enum(['public', 'user', 'moderator', 'admin']),
  requestBody: z.unknown().optional(),
})
const Document = z.object({ paths: z.record(z.string(), z.record(z.string(), Operation)) })

/** An operation as the committed documents tell of it. */
export type Operation = {
  service: string
  id: string
  method: string
  /** With its parameters in braces. */
  path: string
  access: 'public' | 'user' | 'moderator' | 'admin'
  hasBody: boolean
}

const folder = join(import.meta.dir, '../docs/openapi')

/** Every public operation of every service. */
export async function listOperations(): Promise<Operation[]> {
  const operations: Operation[] = []
  for await (const file of new Bun.Glob('*.json').scan(folder)) {
    const { paths } = Document.parse(await Bun.file(join(folder, file)).json())
    for (const [path, item] of Object.entries(paths))
      for (const [method, { operationId: id, requestBody, 'x-access': access }] of Object.entries(item))
        operations.push({
          service: file.replace('.json', ''),
          id,
          method: method.toUpperCase(),
          path,
          access,
          hasBody: requestBody !== undefined,
        })
  }
  return operations.sort((a, b) => a.id.localeCompare(b.id))
}

/** The path with its parameters filled in, each as one segment. */
export const fill = (path: string, values: Record<string, string>): string =>
  path.replaceAll(/\{(\w+)\}/g, (_match, name: string) => encodeURIComponent(values[name] ?? ''))
