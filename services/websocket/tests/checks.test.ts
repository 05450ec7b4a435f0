import { expect, test } from 'bun:test'
import { eventually } from '@plaza/kit/testing'
import { generationSubject } from '@plaza/relay/mailbox'
import { numbers, startWorld } from './_world.ts'

// No look at mailboxes but the one at all of them.
const world = await startWorld(import.meta.path, { CHECK_SECONDS: '3600' })
const { deps } = world

test('one mailbox that cannot be read keeps nobody else from being looked at', async () => {
  const redis = deps.host.redis()
  const [broken, last] = [await deps.createUser(), await deps.createUser()]
  await world.open(broken)
  // More are looked at than at once.
  await Promise.all(numbers(500).map(async () => world.connect(await deps.createUser())))
  await world.open(last)
  await redis.set(`relay:{${broken.id}}:meta`, 'no hash')
  await redis.del(`relay:{${last.id}}:nodes`)
  world.nats.connection.publish(generationSubject, '1')
  await eventually(async () => expect(await redis.exists(`relay:{${last.id}}:nodes`)).toBe(1))
})
