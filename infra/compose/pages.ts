/** What the gateway shows when no service can, in a container of its own. */
import { servePages } from '../pages.ts'

const pages = servePages(8090, '0.0.0.0')
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, async () => {
    await pages.stop()
    process.exit(0)
  })
}
