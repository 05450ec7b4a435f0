import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { z } from 'zod'
import { run } from '../tools/command.ts'

const Compose = z.object({
  services: z.looseObject({ auth: z.object({ environment: z.looseObject({ APP_URL: z.string() }) }) }),
})
const compose = Compose.parse(
  Bun.YAML.parse(await Bun.file(join(import.meta.dir, '../../compose.yaml')).text()),
)

/** A value of compose.yaml with the variables put in; a shell reads `${NAME:-default}` as Docker does. */
const filledIn = async (value: string, variables: Record<string, string>) =>
  (await run(['sh', '-c', `printf %s "${value}"`], { env: { APP_URL: '', PORT: '', ...variables } })).trim()

test.each([
  [{}, 'http://localhost:8000'],
  [{ PORT: '9000' }, 'http://localhost:9000'],
  [{ PORT: '9000', APP_URL: 'https://app.example' }, 'https://app.example'],
])('with %j the links in mails lead to %s', async (variables, url) => {
  expect(await filledIn(compose.services.auth.environment.APP_URL, variables)).toBe(url)
})
