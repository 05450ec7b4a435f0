import { expect, test } from 'bun:test'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventsPage } from './events.ts'

const path = join(import.meta.dir, '../../docs/asyncapi.json')

test('the page shows the guide, every frame and every event, with code as code', async () => {
  const page = await eventsPage(path)
  const { channels } = await Bun.file(path).json()
  expect(page).toContain('<h2 id="a-session-from-its-beginning-to-its-end">')
  expect(page).toContain('→ {&quot;type&quot;:&quot;hello&quot;}')
  for (const channel of ['said', 'shown', 'events'])
    for (const name of Object.keys(channels[channel].messages)) expect(page).toContain(`<b>${name}</b>`)
  expect(page.replaceAll(/<pre>[\s\S]*?<\/pre>/g, '')).not.toContain('`')
})

test('what a document says cannot become part of the page', async () => {
  const evil = '<script>alert(1)</script>'
  const payload = { type: evil }
  const message = { name: evil, summary: `${evil} \`${evil}\``, description: evil, payload }
  const file = join(tmpdir(), `${Bun.randomUUIDv7()}.json`)
  const document = { info: { title: evil, description: evil }, channels: { one: { messages: { message } } } }
  await Bun.write(file, JSON.stringify(document))
  expect(await eventsPage(file)).not.toContain(evil)
  await Bun.file(file).delete()
})
