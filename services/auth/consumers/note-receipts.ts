import { dataErased } from '@plaza/kit/erasure'
import { on, type Subscription } from '@plaza/kit/inbox'
import type { Config } from '../config.ts'
import { noteReceipt } from '../erasures.ts'

/** Gathers the receipts of the services that erase a deleted user's data. */
export const noteReceipts = ({ ERASING_SERVICES: services }: Config): Subscription[] =>
  services.map((service) =>
    on(dataErased(service), `auth-note-receipt-of-${service}`, ({ data: { userId } }, tx) =>
      noteReceipt(tx, { userId, service, services }),
    ),
  )
