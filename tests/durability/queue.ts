import { eventually } from '@plaza/kit/testing'
import { z } from 'zod'
import { type Someone, someoneNew } from '../people.ts'
import type { Plaza } from '../plaza.ts'
import { insist } from './writer.ts'

/** Things kept for somebody by `POST /queue`. Only the mailbox brings them: no repair finds them elsewhere. */
export type Queue = {
  /** Resolves when it is kept for good. */
  put(note: string): Promise<void>
  /** Resolves when the person's device has been told of all that was put. */
  delivered(): Promise<void>
  close(): Promise<void>
}

const Enqueued = z.object({ data: z.object({ note: z.string() }) })

/** Puts things into a person's queue, by an admin made for it. */
export async function startQueue(plaza: Plaza, { client, id: userId }: Someone): Promise<Queue> {
  const admin = await someoneNew(plaza.url, 'admin')
  const told = new Set<string>()
  const put = new Set<string>()
  client.on('event', ({ type, data }) => {
    if (type === 'queue.enqueued') told.add(Enqueued.parse(data).data.note)
  })
  await grantAdmin(plaza, admin)
  return {
    async put(note) {
      const session = await admin.client.account.session()
      const answer = await fetch(`${plaza.url}/api/v1/queue`, {
        method: 'POST',
        headers: { authorization: `Bearer ${session?.accessToken}`, 'content-type': 'application/json' },
        body: JSON.stringify({ userId, type: 'note', data: { note } }),
      })
      if (answer.status !== 201) throw new Error(`the queue answered ${answer.status} ${await answer.text()}`)
      put.add(note)
    },
    delivered: () =>
      eventually(() => {
        const missing = [...put].filter((note) => !told.has(note))
        if (missing.length > 0) throw new Error(`the queue's ${missing} did not come`)
      }, 60_000),
    close: () => admin.client.close(),
  }
}

async function grantAdmin({ data }: Plaza, { client, username, password }: Someone): Promise<void> {
  const ops = Bun.resolveSync('../../infra/ops.ts', import.meta.dir)
  const command = [process.execPath, ops, '--data', data, 'admin', 'grant', username]
  const child = Bun.spawn(command, { stdout: 'ignore', stderr: 'pipe' })
  if ((await child.exited) !== 0) throw new Error(await child.stderr.text())
  await insist(() => client.account.logIn({ login: username, password }))
}
