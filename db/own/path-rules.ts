import type { ISql, Sql } from 'postgres'
import { inOrder, type PathRules } from '../../models/traffic/path-rules.js'
import { isTableUnusable } from '../errors.js'

/** Rules that were set while the service ran. They replace those of its configuration, in all replicas. */
export interface StoredRules {
  readonly rules: PathRules
  readonly updatedAt: Date
}

/** Null where none are stored, or this release has not set up its tables yet. */
export async function readStoredRules(sql: ISql): Promise<StoredRules | null> {
  try {
    const [row] = await sql<StoredRules[]>`select rules, updated_at as "updatedAt" from aegis_ml_path_rules`
    return row ? { ...row, rules: inOrder(row.rules) } : null
  } catch (error) {
    if (isTableUnusable(error)) return null
    throw error
  }
}

/** @returns false when these are stored already: nothing is written */
export async function storeRules(sql: Sql, rules: PathRules): Promise<boolean> {
  const { count } = await sql`
    insert into aegis_ml_path_rules as stored (rules) values (${sql.json(rules as never)})
    on conflict (id) do update set rules = excluded.rules, updated_at = now() where stored.rules <> excluded.rules`
  return count > 0
}

/** @returns false when none are stored */
export async function dropStoredRules(sql: Sql): Promise<boolean> {
  const { count } = await sql`delete from aegis_ml_path_rules`
  return count > 0
}
