import type { ISql } from 'postgres'
import {
  EndpointFolding,
  PLAIN_FOLDING,
  type LearnedPosition,
} from '../../models/traffic/endpoint-folding.js'
import { inOrder, NO_RULES, type PathRules } from '../../models/traffic/path-rules.js'
import { isTableUnusable } from '../errors.js'
import type { TrafficTable } from './table.js'

/** Which endpoint a path belongs to, as the rollups of a table have it: so whoever reads raw rows agrees with them. */
export async function readFolding(sql: ISql, table: TrafficTable): Promise<EndpointFolding> {
  try {
    const [rules, positions] = [await readRules(sql, table), await readPositions(sql, table)]
    return rules === null && positions.length === 0
      ? PLAIN_FOLDING
      : new EndpointFolding(rules ?? undefined, positions)
  } catch (error) {
    // Rollup tables may be dropped; the next update makes them again.
    if (isTableUnusable(error)) return PLAIN_FOLDING
    throw error
  }
}

/** The rules that the rollups follow; null without any. */
export async function readRules(sql: ISql, table: TrafficTable): Promise<PathRules | null> {
  const [row] = await sql<{ rules: PathRules | null }[]>`
    select rules from aegis_ml_rollup_state where traffic_table = ${table}`
  if (!row?.rules) return null
  return inOrder(row.rules)
}

/** The same where none were ever followed; null where there are no rollups. */
export async function followedRules(sql: ISql, table: TrafficTable): Promise<PathRules | null> {
  try {
    const rows = await sql`select from aegis_ml_rollup_state where traffic_table = ${table}`
    return rows.length === 0 ? null : ((await readRules(sql, table)) ?? NO_RULES)
  } catch (error) {
    if (isTableUnusable(error)) return null
    throw error
  }
}

export async function readPositions(sql: ISql, table: TrafficTable): Promise<LearnedPosition[]> {
  return sql<LearnedPosition[]>`
    select parent, kept from aegis_ml_rollup_positions where traffic_table = ${table} order by parent`
}
