import { counter, gauge } from '@plaza/kit/metrics'

let open = 0
gauge('websocket_open_sockets', 'Sockets that are open', () => open)

/** The sockets of this process. */
export const openSockets = {
  inc() {
    open += 1
  },
  dec() {
    open -= 1
  },
  count: () => open,
}

/** How sockets ended that the server closed, by close code. */
export const closedSockets = counter('websocket_closed_total', 'Sockets closed by the server', ['code'])
/** Times that a socket had to be brought what its wake-ups did not. */
export const catchUps = counter('websocket_catch_ups_total', 'Reads of mailboxes for open sockets')
