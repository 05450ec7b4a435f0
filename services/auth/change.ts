import type { Emission } from '@plaza/kit/events'
import { type Revocation, tokensRevoked } from '@plaza/kit/revocation'
import type { Transaction } from '@plaza/kit/sql'
import type { Ctx } from './context.ts'

/** What a change of accounts is written with. */
export type Change = {
  tx: Transaction
  emit(emission: Emission): void
  /** Voids tokens: here as soon as the change is committed, elsewhere when its event arrives. */
  revoke(revocation: Revocation): void
}

/** Runs a change in one transaction with its events and revocations. */
export async function change<T>(
  { outbox, identity }: Pick<Ctx, 'outbox' | 'identity'>,
  work: (change: Change) => Promise<T>,
): Promise<T> {
  const revoked: Revocation[] = []
  const result = await outbox.transaction((tx, emit) =>
    work({
      tx,
      emit,
      revoke(revocation) {
        revoked.push(revocation)
        emit(tokensRevoked.emit({ subject: revocation.id, data: revocation }))
      },
    }),
  )
  for (const revocation of revoked) identity.revocations.apply(revocation)
  return result
}
