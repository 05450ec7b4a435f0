import { connect, createServer, type Socket } from 'node:net'

export type SlowLink = { url: string; stop(): void }

type Options = { port: number; bytesPerSecond: number; standstillMs: number }

/**
 * A TCP proxy before a local port that lets so many bytes a second through to the client, and reads no more than
 * that. It stands still after the first ones: the system keeps megabytes on the way, and hides a slow link else.
 */
export async function startSlowLink({ port, bytesPerSecond, standstillMs }: Options): Promise<SlowLink> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const upstream = connect({ port, host: '127.0.0.1' })
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => {
        client.destroy()
        upstream.destroy()
      })
    }
    client.pipe(upstream)
    let extra = standstillMs
    upstream.on('data', (chunk) => {
      // The answers to the upgrade and to hello are short; frames of the backlog are not.
      const isBacklog = chunk.length > 8_000
      upstream.pause()
      client.write(chunk)
      setTimeout(() => upstream.resume(), (chunk.length / bytesPerSecond) * 1_000 + (isBacklog ? extra : 0))
      if (isBacklog) extra = 0
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const own = typeof address === 'object' && address ? address.port : 0
  return {
    url: `http://127.0.0.1:${own}`,
    stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
