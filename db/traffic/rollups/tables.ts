import { readFile } from 'node:fs/promises'
import type { RollupSession } from './session.js'

const MIGRATION = new URL('../../migrations/002_rollups.sql', import.meta.url)

/** Rollups may be dropped: what is missing is made again, and then all of it is filled from the start. */
export async function ensureRollupTables({ sql, transaction }: RollupSession): Promise<void> {
  const [row] = await sql<{ complete: boolean }[]>`
    select count(to_regclass(name)) = count(*) as complete from unnest(array['aegis_ml_rollup_state',
      'aegis_ml_rollup_minutes', 'aegis_ml_rollup_endpoints', 'aegis_ml_rollup_endpoint_minutes',
      'aegis_ml_rollup_client_hours', 'aegis_ml_touched_ranges']) name`
  if (row!.complete) return
  const statements = await readFile(MIGRATION, 'utf8')
  await transaction(async () => {
    await sql.unsafe(statements)
    await sql`delete from aegis_ml_rollup_state`
  })
}
