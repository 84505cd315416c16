import type { Sql } from 'postgres'
import type { LimitChange } from '../../models/incidents/change.js'
import { isTableUnusable } from '../errors.js'
import { tableShape } from '../table-columns.js'

const MAX_CHANGES = 200

interface Row extends Omit<LimitChange, 'atMs'> {
  readonly at: Date
}

/**
 * The limits that were put in force in a range: recommendations that were applied, temporary limits, and other rules of the
 * gateway that were made or changed; at most 200 of each. Without those that were applied against the incident itself, and
 * without the rules that came back when a temporary limit ended.
 */
export async function limitChanges(
  sql: Sql,
  range: { readonly from: Date; readonly to: Date },
  incidentId: string,
): Promise<LimitChange[]> {
  const temporary = await temporaryOnes(sql, range)
  const own = [...temporary, ...(await orNone(recommendations(sql, range)))]
  const restored = await restoredRules(sql, range)
  const rules = await orNone(changedRules(sql, range))
  const isOwn = (rule: Row) =>
    [...own, ...restored].some(({ pattern, limit }) => pattern === rule.pattern && limit === rule.limit)
  const answers = new Set<Row>(temporary.filter((each) => each.incidentId === incidentId))
  return [...own, ...rules.filter((rule) => !isOwn(rule))]
    .filter((change) => !answers.has(change))
    .map(({ at, pattern, limit, origin, by }) => ({ atMs: at.getTime(), pattern, limit, origin, by }))
}

type Range = Parameters<typeof limitChanges>[1]

function temporaryOnes(sql: Sql, { from, to }: Range): Promise<(Row & { readonly incidentId: string })[]> {
  return sql<(Row & { incidentId: string })[]>`
    select applied_at as at, endpoint as pattern, requests_per_minute as limit, 'temporary' as origin, applied_by as by,
      incident_id::text as "incidentId"
    from aegis_ml_temporary_limits where applied_at >= ${from} and applied_at < ${to}
    order by id desc limit ${MAX_CHANGES}`
}

/** The rules that came back when a temporary limit ended: that is no new limit. */
function restoredRules(sql: Sql, { from, to }: Range): Promise<Pick<Row, 'pattern' | 'limit'>[]> {
  return sql<Pick<Row, 'pattern' | 'limit'>[]>`
    select endpoint as pattern, (before->>'requests_per_minute')::float8 as limit from aegis_ml_temporary_limits
    where outcome = 'restored' and ended_at >= ${from} and ended_at < ${to}
    order by id desc limit ${MAX_CHANGES}`
}

function recommendations(sql: Sql, { from, to }: Range): Promise<Row[]> {
  return sql<Row[]>`
    select applied_at as at, endpoint_pattern as pattern, recommended_limit as limit, 'recommendation' as origin,
      applied_by as by
    from rate_limit_recommendations where status = 'applied' and applied_at >= ${from} and applied_at < ${to}
    order by applied_at desc limit ${MAX_CHANGES}`
}

async function changedRules(sql: Sql, { from, to }: Range): Promise<Row[]> {
  const { columns } = await tableShape(sql, 'rate_limit_rules')
  const times = ['updated_at', 'created_at'].filter((name) => columns.get(name)?.type.startsWith('timestamp'))
  if (times.length === 0) return []
  const at = sql`greatest(${sql.unsafe(times.join(', '))})::timestamptz`
  return sql<Row[]>`
    select ${at} as at, endpoint_pattern as pattern, requests_per_minute::int as limit, 'rule' as origin, null as by
    from rate_limit_rules where requests_per_minute is not null and ${at} >= ${from} and ${at} < ${to}
      ${columns.has('enabled') ? sql`and enabled is not false` : sql``}
    order by 1 desc limit ${MAX_CHANGES}`
}

/** The gateway's tables may be missing, or have other columns. */
async function orNone(rows: Promise<Row[]>): Promise<Row[]> {
  try {
    return await rows
  } catch (error) {
    if (isTableUnusable(error)) return []
    throw error
  }
}
