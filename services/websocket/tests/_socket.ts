import { ServerFrame } from '../frames.ts'

type Of<Type extends ServerFrame['type']> = Extract<ServerFrame, { type: Type }>

/** A client that keeps every frame it was shown. */
export class TestSocket {
  readonly frames: ServerFrame[] = []
  readonly opened: Promise<void>
  readonly closed: Promise<{ code: number; reason: string }>
  private readonly socket: WebSocket

  constructor(url: string, init?: { headers: Record<string, string> }) {
    this.socket = new WebSocket(url, init)
    this.socket.addEventListener('message', ({ data }) => this.frames.push(asFrame(String(data))))
    this.opened = new Promise((resolve, reject) => {
      this.socket.addEventListener('open', () => resolve())
      this.socket.addEventListener('error', () => reject(new Error('the socket was refused')))
    })
    this.opened.catch(() => {})
    this.closed = new Promise((resolve) =>
      this.socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason })),
    )
  }

  say(frame: unknown): void {
    this.socket.send(typeof frame === 'string' || frame instanceof Uint8Array ? frame : JSON.stringify(frame))
  }

  all<Type extends ServerFrame['type']>(type: Type): Of<Type>[] {
    return this.frames.filter((frame): frame is Of<Type> => frame.type === type)
  }

  /** The newest frame of a type. Throws when there is none. */
  one<Type extends ServerFrame['type']>(type: Type): Of<Type> {
    const found = this.all(type).at(-1)
    if (!found) throw new Error(`no ${type} frame among ${this.frames.map((frame) => frame.type)}`)
    return found
  }

  /** The place after the last event. */
  get cursor(): string {
    return this.all('event').at(-1)?.cursor ?? this.one('ready').cursor
  }

  close(): void {
    this.socket.close()
  }
}

const asFrame = (text: string): ServerFrame => ServerFrame.parse(JSON.parse(text))
