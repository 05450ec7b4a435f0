import { list, number } from '@plaza/kit/config'
import { z } from 'zod'

/** Every variable of this service beyond those that all services read. */
export const Config = z.object({
  /** Origins whose pages may open sockets; `*` is all. A client that is no browser names none. */
  ALLOWED_ORIGINS: list('*'),
  /** How long a ticket is good for. */
  TICKET_SECONDS: number(30, 1),
  /** A socket that has not said hello by then is closed. */
  HELLO_SECONDS: number(10, 1),
  /** A socket from which nothing was heard for so long, not even the answer to a ping, is closed. */
  IDLE_SECONDS: number(100, 8, 960),
  /** A reader who takes nothing for so long is told to resume later. */
  STALL_SECONDS: number(30, 1),
  /** Every mailbox with a socket here is compared with what the socket got, once in so long. */
  CHECK_SECONDS: number(20, 1),
  /** What a socket may send: frames and bytes a minute, and how many of them at once. */
  FRAMES_PER_MINUTE: number(600, 1),
  FRAMES_BURST: number(120, 1),
  BYTES_PER_MINUTE: number(4 << 20, 1),
  BYTES_BURST: number(1 << 20, 1),
  /** Sockets of one user at one node. */
  SOCKETS_PER_USER: number(32, 1),
  /** Somebody whose last socket closed is still shown as there for so long, since most come back at once. */
  OFFLINE_AFTER_SECONDS: number(5, 0),
  /** Who may see whom is asked again after so long. */
  VISIBLE_SECONDS: number(60, 1),
  /** At a stop, sockets are sent elsewhere one by one over so long. */
  RESUME_SECONDS: number(3, 0, 6),
})
export type Config = z.output<typeof Config>
