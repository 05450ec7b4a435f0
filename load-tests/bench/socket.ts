/** A raw socket for load generators: no more than the frames ask for, so that the generator stays cheap. */

/** Connects; where a ticket stands in the address, says hello from the cursor and waits until the node is ready. */
export async function openSocket(
  url: string,
  cursor?: string,
): Promise<{ socket: WebSocket; cursor: string }> {
  const socket = new WebSocket(url)
  await new Promise((resolve, reject) => {
    socket.onopen = resolve
    socket.onerror = () => reject(new Error(`cannot connect to ${new URL(url).host}`))
  })
  if (!new URL(url).searchParams.has('ticket')) return { socket, cursor: '' }
  const greeted = new Promise<string>((resolve, reject) => {
    socket.onmessage = ({ data }) => resolve(JSON.parse(data).cursor)
    socket.onclose = ({ code }) => reject(new Error(`closed with ${code} before it was ready`))
  })
  socket.send(JSON.stringify({ type: 'hello', ...(cursor ? { cursor } : {}) }))
  const reached = await greeted
  socket.onclose = null
  return { socket, cursor: reached }
}

/** Does a thing for each item, so many at a time. */
export async function eachOf<T>(
  items: readonly T[],
  atOnce: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  let next = 0
  const worker = async () => {
    for (let index = next++; index < items.length; index = next++) await work(items[index] as T, index)
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
}
