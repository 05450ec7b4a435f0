/** Ports where services listen when no variable says otherwise; with another gateway port, all move with it. */
export const servicePorts: Readonly<Record<string, number>> = {
  auth: 8001,
  user: 8002,
  message: 8003,
  relay: 8006,
  websocket: 8008,
}

/** The gateway's port beside them. */
export const gatewayPort = 8000
