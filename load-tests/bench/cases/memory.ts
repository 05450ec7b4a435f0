import type { Row } from '../row.ts'
import { residentBytes } from '../usage.ts'
import type { World } from '../world.ts'

/** What all services take in one process when nothing has happened yet. */
export async function memory({ plaza }: World): Promise<Row[]> {
  await Bun.sleep(10_000)
  const [services] = (await plaza.run()).services
  const megabytes = residentBytes(services?.pid ?? 0) / (1 << 20)
  return [
    {
      what: 'memory of all services idle in one process',
      measured: `${megabytes.toFixed(0)} MB`,
      must: '≤ 160 MB',
      reached: megabytes <= 160,
    },
  ]
}
