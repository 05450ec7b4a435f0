import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection } from '@nats-io/transport-node'
import type { Log } from './log.ts'
import { createPublisher, type Publisher } from './publisher.ts'

/** One connection to NATS with its JetStream clients; it reconnects by itself for ever. */
export type Nats = {
  connection: NatsConnection
  js: JetStreamClient
  jsm: JetStreamManager
  publish: Publisher['publish']
  connected(): boolean
  /** Calls back after each reconnect; returns what ends that. */
  onReconnect(listener: () => void): () => void
  /** Calls back when the connection breaks; returns what ends that. */
  onDisconnect(listener: () => void): () => void
  close(): Promise<void>
}

/** Connects by a URL of the form nats://user:password@host:port (several hosts separated by commas). */
export async function connectNats(url: string, name: string, log: Log): Promise<Nats> {
  const urls = url.split(',').map((one) => new URL(one))
  const { username, password } = urls[0] ?? new URL('nats://127.0.0.1')
  const connection = await connect({
    servers: urls.map((one) => one.host),
    name,
    user: decodeURIComponent(username) || undefined,
    pass: decodeURIComponent(password) || undefined,
    maxReconnectAttempts: -1,
    reconnectTimeWait: 250,
    reconnectJitter: 100,
    pingInterval: 20_000,
    waitOnFirstConnect: true,
    timeout: 5_000,
  })
  const listeners = { reconnect: new Set<() => void>(), disconnect: new Set<() => void>() }
  const publisher = createPublisher(connection)
  let connected = true
  void (async () => {
    for await (const status of connection.status()) {
      if (status.type !== 'reconnect' && status.type !== 'disconnect') continue
      const isBack = status.type === 'reconnect'
      // A broker that breaks off while it is dialled is still the same outage.
      if (isBack !== connected) log.warn(isBack ? 'nats is back' : 'nats is away')
      connected = isBack
      if (!connected) publisher.connectionLost()
      for (const listener of listeners[status.type]) listener()
    }
  })()
  const listen = (kind: keyof typeof listeners) => (listener: () => void) => {
    listeners[kind].add(listener)
    return () => void listeners[kind].delete(listener)
  }
  return {
    connection,
    js: jetstream(connection, { timeout: 3_000 }),
    jsm: await jetstreamManager(connection, { timeout: 3_000, checkAPI: false }),
    publish: publisher.publish,
    connected: () => connected && !connection.isClosed(),
    onReconnect: listen('reconnect'),
    onDisconnect: listen('disconnect'),
    // A drain waits for the server; with the server away there is nobody to wait for.
    close: () => (connected ? connection.drain() : connection.close()),
  }
}
