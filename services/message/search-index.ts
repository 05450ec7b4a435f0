import type { Transaction } from '@plaza/kit/sql'
import type { Message } from './schema.ts'

/** Takes a message out of the index in the change that makes its words untrue; the next search looks at it anew. */
export async function forgetWords(
  tx: Transaction,
  { conversationId, seq }: Pick<Message, 'conversationId' | 'seq'>,
) {
  await tx`delete from search_documents where conversation_id = ${conversationId} and seq = ${seq}`
}
