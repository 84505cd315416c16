import { readdir, readFile } from 'node:fs/promises'
import type { RollupSession } from './session.js'

const MIGRATIONS = new URL('../../migrations/', import.meta.url)

/** The migrations that make the rollup tables what they are; each is safe to run again. */
const ROLLUP_MIGRATION = /^\d+_rollups.*\.sql$/

const TABLES = [
  'aegis_ml_rollup_state',
  'aegis_ml_rollup_minutes',
  'aegis_ml_rollup_endpoints',
  'aegis_ml_rollup_endpoint_minutes',
  'aegis_ml_rollup_candidates',
  'aegis_ml_rollup_positions',
  'aegis_ml_rollup_renamed',
  'aegis_ml_touched_ranges',
]

/** An operator may drop rollup tables. The missing ones are created again, and all are filled from the start. */
export async function ensureRollupTables({ sql, transaction }: RollupSession): Promise<void> {
  const [row] = await sql<{ complete: boolean }[]>`
    select count(to_regclass(name)) = count(*) as complete from unnest(${TABLES}::text[]) name`
  if (row!.complete) return
  const names = (await readdir(MIGRATIONS)).filter((name) => ROLLUP_MIGRATION.test(name)).sort()
  const migrations = await Promise.all(names.map((name) => readFile(new URL(name, MIGRATIONS), 'utf8')))
  await transaction(async () => {
    for (const statements of migrations) await sql.unsafe(statements)
    await sql`delete from aegis_ml_rollup_state`
  })
}
