import { connect, createServer, type Socket } from 'node:net'

/**
 * A TCP link to a local port that passes on so many bytes a second to the client, and takes no more than that itself. While
 * it is held it takes nothing for the client.
 */
export async function startSlowLink(port: number, bytesPerSecond: number) {
  const sockets = new Set<Socket>()
  const upstreams = new Set<Socket>()
  let held = false
  const server = createServer({ highWaterMark: 16 << 10 }, (client) => {
    const upstream = connect({ port, host: '127.0.0.1' })
    upstreams.add(upstream)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        client.destroy()
        upstream.destroy()
      })
    }
    client.pipe(upstream)
    upstream.on('data', (chunk) => {
      upstream.pause()
      client.write(chunk)
      setTimeout(() => held || upstream.resume(), (chunk.length / bytesPerSecond) * 1_000)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    hold() {
      held = true
      for (const upstream of upstreams) upstream.pause()
    },
    release() {
      held = false
      for (const upstream of upstreams) upstream.resume()
    },
    stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
