import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { asyncApi } from '@plaza/websocket/asyncapi'
import { messageOf } from './failure.ts'
import { openApiOf, services } from './openapi/document.ts'
import { findFaults } from './openapi/faults.ts'

const folder = join(import.meta.dir, '../docs')

/** Every document that is made from the services' own contracts, by its path below `docs/`. */
const documents = (): Record<string, unknown> => ({
  ...Object.fromEntries(Object.keys(services).map((name) => [`openapi/${name}.json`, openApiOf(name)])),
  'asyncapi.json': asyncApi,
})

/** Writes what is not as it should be; with `--check` it only names it, and the exit code is 1. So it is with faults. */
const main = async (isCheck: boolean) => {
  for (const [name, document] of Object.entries(documents())) {
    for (const fault of findFaults(document)) {
      console.error(`docs/${name}: ${fault}`)
      process.exitCode = 1
    }
    const path = join(folder, name)
    const text = `${JSON.stringify(document, null, 2)}\n`
    const present = await Bun.file(path)
      .text()
      .catch(() => '')
    if (present === text) continue
    if (isCheck) {
      console.error(`docs/${name} is not what the services say: bun run openapi`)
      process.exitCode = 1
    } else {
      await mkdir(dirname(path), { recursive: true })
      await Bun.write(path, text)
      console.log(`docs/${name}`)
    }
  }
}

try {
  await main(process.argv.includes('--check'))
} catch (error) {
  console.error(`plaza: the API documents cannot be made: ${messageOf(error)}`)
  process.exitCode = 1
}
