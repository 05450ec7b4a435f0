import { z } from 'zod'

const Message = z.looseObject({
  name: z.string().optional(),
  title: z.string().optional(),
  summary: z.string().default(''),
  description: z.string().default(''),
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
  const links = Object.entries(channels).map(
    ([id, { title }]) => `<a href="#${text(id)}">${text(title ?? id)}</a>`,
  )
  const sections = Object.entries(channels).map(([id, channel]) => channelSection(id, channel))
  return frame(`<h1>${text(info.title)}</h1>
<nav>${links.join('')}<a href="/docs/asyncapi.json">asyncapi.json</a></nav>
${markdown(info.description)}${sections.join('')}`)
}

const channelSection = (id: string, { title, address, messages }: z.infer<typeof Channel>) => `
<h2 id="${text(id)}">${text(title ?? id)} ${address ? `<code>${text(address)}</code>` : ''}</h2>
${Object.entries(messages)
  .map(([name, message]) => messageSection(name, message))
  .join('')}`

const messageSection = (
  id: string,
  { name, title, summary, description, payload, examples }: z.infer<typeof Message>,
) => `
<details>
<summary><b>${text(name ?? title ?? id)}</b> ${withCode(summary)}</summary>
${markdown(description)}
${examples.map((example) => listing(example.payload)).join('')}
<details><summary>schema</summary>${listing(payload)}</details>
</details>`

const listing = (value: unknown) => `<pre>${text(JSON.stringify(value, null, 2) ?? '')}</pre>`

const text = Bun.escapeHTML

/** HTML in it stays text. */
const markdown = (source: string) =>
  Bun.markdown.html(source, { noHtmlBlocks: true, noHtmlSpans: true, headings: { ids: true } })

/** A line in which backticks mark code. */
const withCode = (line: string) => text(line).replaceAll(/&#96;(.+?)&#96;|`(.+?)`/g, '<code>$1$2</code>')

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
  nav { display: flex; flex-wrap: wrap; gap: 16px }
  h2 code { font-size: 1rem; font-weight: normal }
  code { background: #f4f4f6 }
  table { border-collapse: collapse }
  th, td { border: 1px solid #d8dae0; padding: 4px 8px; text-align: left; vertical-align: top }
  pre { background: #f4f4f6; padding: 12px; white-space: pre-wrap; overflow-wrap: anywhere }
</style>
</head>
<body>
<nav><a href="/docs">Plaza API</a></nav>
${content}
</body>
</html>
`
