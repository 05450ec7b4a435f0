import { z } from 'zod'

const Message = z.looseObject({
  name: z.string().optional(),
  title: z.string().optional(),
  summary: z.string().optional(),
  payload: z.unknown(),
  examples: z.array(z.looseObject({ payload: z.unknown() })).default([]),
})

const AsyncApi = z.looseObject({
  info: z.looseObject({ title: z.string(), description: z.string().optional() }),
  components: z.looseObject({ messages: z.record(z.string(), Message).default({}) }),
})

/** A page of the socket's frames and the services' events, from the AsyncAPI document. */
export const eventsPage = async (path: string): Promise<string> => {
  const found = Bun.file(path)
  if (!(await found.exists())) return frame('<p>No document has been written yet.</p>')
  const { info, components } = AsyncApi.parse(await found.json())
  const messages = Object.entries(components.messages).map(([id, message]) => section(id, message))
  const intro = `<h1>${text(info.title)}</h1><p>${text(info.description ?? '')}</p>`
  return frame(`${intro}<p><a href="/docs/asyncapi.json">asyncapi.json</a></p>${messages.join('')}`)
}

const section = (id: string, { name, title, summary, payload, examples }: z.infer<typeof Message>) => `
<details>
<summary><b>${text(name ?? title ?? id)}</b> ${text(summary ?? '')}</summary>
${examples.map((example) => listing(example.payload)).join('')}
<details><summary>schema</summary>${listing(payload)}</details>
</details>`

const listing = (value: unknown) => `<pre>${text(JSON.stringify(value, null, 2) ?? '')}</pre>`

const text = Bun.escapeHTML

const frame = (content: string) => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Plaza: events and frames</title>
<style>
  body { max-width: 60rem; margin: auto; padding: 16px 20px; font-family: sans-serif; color: #3b4151 }
  a, summary { color: inherit }
  details { margin: 8px 0 }
  pre { background: #f4f4f6; padding: 12px; overflow: auto }
</style>
</head>
<body>
<nav><a href="/docs">Plaza API</a></nav>
${content}
</body>
</html>
`
