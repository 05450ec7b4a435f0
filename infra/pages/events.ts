import { z } from 'zod'

const Message = z.looseObject({
  name: z.string().optional(),
  title: z.string().optional(),
  summary: z.string().optional(),
  payload: z.unknown(),
  examples: z.array(z.looseObject({ payload: z.unknown() })).default([]),
})

const Channel = z.looseObject({
  title: z.string().optional(),
  address: z.string().nullish(),
  messages: z.record(z.string(), Message).default({}),
})

const AsyncApi = z.looseObject({
  info: z.looseObject({ title: z.string(), description: z.string().default('') }),
  channels: z.record(z.string(), Channel),
})

/** A page of the socket's frames and the events they carry, from the AsyncAPI document. */
export const eventsPage = async (path: string): Promise<string> => {
  const found = Bun.file(path)
  if (!(await found.exists())) return frame('<p>No document has been written yet.</p>')
  const { info, channels } = AsyncApi.parse(await found.json())
  const intro = `<h1>${text(info.title)}</h1><p class="lines">${text(info.description)}</p>`
  const sections = Object.entries(channels).map(([id, channel]) => channelSection(id, channel))
  return frame(`${intro}<p><a href="/docs/asyncapi.json">asyncapi.json</a></p>${sections.join('')}`)
}

const channelSection = (id: string, { title, address, messages }: z.infer<typeof Channel>) => `
<h2>${text(title ?? id)} ${address ? `<code>${text(address)}</code>` : ''}</h2>
${Object.entries(messages)
  .map(([name, message]) => messageSection(name, message))
  .join('')}`

const messageSection = (id: string, { name, title, summary, payload, examples }: z.infer<typeof Message>) => `
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
  .lines { white-space: pre-line }
  h2 code { font-size: 1rem; font-weight: normal }
  pre { background: #f4f4f6; padding: 12px; overflow: auto }
</style>
</head>
<body>
<nav><a href="/docs">Plaza API</a></nav>
${content}
</body>
</html>
`
