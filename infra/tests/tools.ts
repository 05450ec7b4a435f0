import { natsServer } from '../tools/nats.ts'
import { redisServer } from '../tools/redis.ts'
import { locate, type Progress } from '../tools/tool.ts'
import { traefik } from '../tools/traefik.ts'

/** Fetches what the tests need before they start, so that no test's time-out pays for a download. */
export const bringTools = async (progress: Progress) => {
  await Promise.all([natsServer, redisServer, traefik].map((tool) => locate(tool, progress)))
}
