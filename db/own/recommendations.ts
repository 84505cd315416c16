import type { JSONValue, Sql, TransactionSql } from 'postgres'
import { lockInTransaction, LOCKS } from '../lease.js'
import { putRule, WHOSE } from './rules.js'

/** What is kept of a recommendation. */
export interface NewRecommendation {
  readonly endpoint: string
  readonly tier: string
  readonly currentLimit: number | null
  readonly currentBurst: number | null
  readonly limit: number
  readonly burst: number
  readonly strategy: string
  readonly confidence: number
  readonly reasoning: string
  readonly warnings: readonly string[]
  /** The profile, with `scope`, windows and `exceptions`, for which the gateway's table has no columns. */
  readonly profile: object
}

export const RECOMMENDATION_STATES = ['pending', 'applied', 'rejected', 'expired'] as const
export type RecommendationState = (typeof RECOMMENDATION_STATES)[number]

export interface StoredRecommendation extends Omit<NewRecommendation, 'profile'> {
  /** Null where others have written the row. */
  readonly profile: object | null
  readonly id: string
  readonly generatedAt: Date
  readonly status: RecommendationState
  readonly appliedAt: Date | null
  readonly appliedBy: string | null
  readonly rejectionReason: string | null
  readonly expiresAt: Date | null
}

const LIFE = '7 days'

/** Keeps recommendations, in one transaction; older pending ones of the same endpoints and tiers expire. */
export async function saveRecommendations(sql: Sql, rows: readonly NewRecommendation[]): Promise<string[]> {
  return sql.begin(async (tx) => {
    await lockInTransaction(tx, LOCKS.recommendations)
    const ids: string[] = []
    for (const row of rows) {
      await tx`update rate_limit_recommendations set status = 'expired'
        where status = 'pending' and endpoint_pattern = ${row.endpoint} and tier is not distinct from ${row.tier}`
      const [saved] = await tx<[{ id: string }]>`
        insert into rate_limit_recommendations (generated_at, endpoint_pattern, tier, current_limit, current_burst,
          recommended_limit, recommended_burst, strategy, confidence, reasoning, warnings, endpoint_profile, status,
          expires_at)
        values (now(), ${row.endpoint}, ${row.tier}, ${row.currentLimit}, ${row.currentBurst}, ${row.limit},
          ${row.burst}, ${row.strategy}, ${row.confidence}, ${row.reasoning}, ${row.warnings as string[]},
          ${tx.json(row.profile as JSONValue)}, 'pending', now() + ${LIFE}::interval)
        returning id::text`
      ids.push(saved.id)
    }
    return ids
  })
}

/** A pending one that nobody has decided in time counts as expired. */
const columns = (sql: Sql | TransactionSql) => sql`
  id::text, generated_at as "generatedAt", endpoint_pattern as endpoint, tier, current_limit as "currentLimit",
  current_burst as "currentBurst", recommended_limit as limit, recommended_burst as burst, strategy,
  confidence::float8, reasoning, warnings, endpoint_profile as profile, ${status(sql)} as status,
  applied_at as "appliedAt", applied_by as "appliedBy", rejection_reason as "rejectionReason",
  expires_at as "expiresAt"`

const status = (sql: Sql | TransactionSql) =>
  sql`case when status = 'pending' and expires_at <= now() then 'expired' else status end`

export interface RecommendationFilter {
  readonly status: RecommendationState | null
  readonly endpoint: string | null
  readonly limit: number
  readonly offset: number
}

/** The newest first, and how many there are in all. */
export async function findRecommendations(
  sql: Sql,
  filter: RecommendationFilter,
): Promise<{ rows: StoredRecommendation[]; total: number }> {
  const where = sql`where (${filter.status}::text is null or ${status(sql)} = ${filter.status}::text)
    and (${filter.endpoint}::text is null or endpoint_pattern = ${filter.endpoint}::text)`
  const rows = await sql<StoredRecommendation[]>`
    select ${columns(sql)} from rate_limit_recommendations ${where}
    order by generated_at desc, id desc limit ${filter.limit} offset ${filter.offset}`
  const [count] = await sql<[{ total: number }]>`
    select count(*)::int as total from rate_limit_recommendations ${where}`
  return { rows: [...rows], total: count.total }
}

/** The status of the newest recommendation of each endpoint, for a tier. */
export async function newestStatuses(
  sql: Sql,
  tier: string,
): Promise<ReadonlyMap<string, RecommendationState>> {
  const rows = await sql<{ endpoint: string; status: RecommendationState }[]>`
    select distinct on (endpoint_pattern) endpoint_pattern as endpoint, ${status(sql)} as status
    from rate_limit_recommendations where tier is not distinct from ${tier}
    order by endpoint_pattern, generated_at desc, id desc`
  return new Map(rows.map((row) => [row.endpoint, row.status]))
}

/** What became of a decision: the row as it is now, and whether it was pending before. */
export interface Decision {
  readonly row: StoredRecommendation
  readonly decided: boolean
  /** The tier whose rule was replaced, in a table that has one rule for each pattern. */
  readonly replacedTier: string | null
}

/** Makes a pending recommendation the limit in force, in one transaction; undefined when there is no such one. */
export function applyRecommendation(
  sql: Sql,
  id: string,
  appliedBy: string | null,
): Promise<Decision | undefined> {
  return decide(sql, id, async (tx, { endpoint, tier, limit, burst, profile }) => {
    const { scope } = (profile ?? {}) as { scope?: string }
    const whose = (WHOSE as Readonly<Record<string, string>>)[scope ?? 'endpoint'] ?? WHOSE.endpoint
    const description = `${whose}; recommended by AEGIS ML (recommendation ${id})`
    const replacedTier = await putRule(tx, { endpoint, tier, limit, burst, description })
    await tx`update rate_limit_recommendations set status = 'applied', applied_at = now(), applied_by = ${appliedBy}
      where id::text = ${id}`
    return replacedTier
  })
}

/** As applyRecommendation, but it comes to nothing. */
export function rejectRecommendation(
  sql: Sql,
  id: string,
  reason: string | null,
): Promise<Decision | undefined> {
  return decide(sql, id, async (tx) => {
    await tx`update rate_limit_recommendations set status = 'rejected', rejection_reason = ${reason}
      where id::text = ${id}`
    return null
  })
}

async function decide(
  sql: Sql,
  id: string,
  work: (tx: TransactionSql, row: StoredRecommendation) => Promise<string | null>,
): Promise<Decision | undefined> {
  return sql.begin(async (tx) => {
    const read = async () => {
      const [row] = await tx<StoredRecommendation[]>`
        select ${columns(tx)} from rate_limit_recommendations where id::text = ${id} for update`
      return row
    }
    // The lock of those who save: what is applied is not expired by a newer one at the same moment.
    await lockInTransaction(tx, LOCKS.recommendations)
    const row = await read()
    if (row?.status !== 'pending') return row && { row, decided: false, replacedTier: null }
    const replacedTier = await work(tx, row)
    return { row: (await read())!, decided: true, replacedTier }
  }) as Promise<Decision | undefined>
}
