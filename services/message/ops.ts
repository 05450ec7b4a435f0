import type { Sql } from '@plaza/kit/sql'

/**
 * The operator's `rebuild search`: empties the index of messages' words while everything runs. It is a read
 * model that each search brings up to date for the one who searches, so nothing else has to be done.
 */
export async function rebuildSearch(sql: Sql): Promise<void> {
  await sql`truncate search_documents, search_progress`
}
