import type { ISql } from 'postgres'
import {
  EndpointFolding,
  PLAIN_FOLDING,
  type LearnedPosition,
} from '../../models/traffic/endpoint-folding.js'
import type { PathRules } from '../../models/traffic/path-rules.js'
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
  // jsonb has an order of its own; this is that of all rules, so that equal rules have equal texts.
  const { templates, ignore, caseInsensitive, ignoreTrailingSlash, host } = row.rules
  return { templates, ignore, caseInsensitive, ignoreTrailingSlash, host }
}

export async function readPositions(sql: ISql, table: TrafficTable): Promise<LearnedPosition[]> {
  return sql<LearnedPosition[]>`
    select parent, kept from aegis_ml_rollup_positions where traffic_table = ${table} order by parent`
}
