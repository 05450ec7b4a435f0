import autocannon from 'autocannon'

export type HttpLoad = {
  url: string
  method: 'GET' | 'POST'
  /** Each connection takes one of these in turn, for all of its requests. */
  callers: { path: string; headers?: Record<string, string>; body?: () => string }[]
  connections: number
  seconds: number
  /** Gives each request an Idempotency-Key of its own. */
  keyed?: boolean
}
export type HttpFigures = { perSecond: number; p50: number; p99: number; failed: number }

/** Loads an address with requests from keep-alive connections, each waiting for its answer. Times in ms. */
export async function loadHttp({
  url,
  method,
  callers,
  connections,
  seconds,
  keyed,
}: HttpLoad): Promise<HttpFigures> {
  let next = 0
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    setupClient(client) {
      const caller = callers[next++ % callers.length]
      if (!caller) return
      client.setRequests([
        {
          method,
          path: caller.path,
          setupRequest: (request) => ({
            ...request,
            headers: {
              ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
              ...(keyed ? { 'idempotency-key': crypto.randomUUID() } : {}),
              ...caller.headers,
            },
            ...(caller.body ? { body: caller.body() } : {}),
          }),
        },
      ])
    },
  })
  return {
    perSecond: result.requests.average,
    p50: result.latency.p50,
    p99: result.latency.p99,
    failed: result.non2xx + result.errors,
  }
}
