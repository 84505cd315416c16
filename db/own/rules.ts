import type { ISql, Sql } from 'postgres'
import { isTableUnusable } from '../errors.js'
import { tableShape } from '../table-columns.js'

/** A limit in force. */
export interface RuleRow {
  readonly endpoint: string
  /** Null where the rule is for all tiers. */
  readonly tier: string | null
  readonly limit: number
  readonly burst: number | null
}

/** What a rule is set to. */
export interface NewRule extends RuleRow {
  readonly tier: string
  readonly burst: number
  readonly description: string
}

/** The columns for a burst: some gateways have the one, some the other, and our own table has both. */
const BURST_COLUMNS = ['burst_size', 'burst_limit']

/** The limits in force of some endpoints, by their exact pattern; none where the gateway's table cannot be read. */
export async function rulesInForce(sql: Sql, endpoints: readonly string[]): Promise<RuleRow[]> {
  try {
    const { columns } = await tableShape(sql, 'rate_limit_rules')
    const bursts = BURST_COLUMNS.filter((name) => columns.has(name))
    return await sql<RuleRow[]>`
      select endpoint_pattern as endpoint, requests_per_minute::int as limit,
        ${columns.has('tier') ? sql`tier` : sql`null as tier`},
        ${bursts.length > 0 ? sql`coalesce(${sql(bursts)})::int` : sql`null::int`} as burst
      from rate_limit_rules
      where endpoint_pattern = any(${endpoints as string[]}) and requests_per_minute is not null
        ${columns.has('enabled') ? sql`and enabled is not false` : sql``}`
  } catch (error) {
    if (isTableUnusable(error)) return []
    throw error
  }
}

/** Rules that are read at most. */
const MAX_RULES = 2_000

/** A limit in force, and what is said about it. */
export interface DescribedRule extends RuleRow {
  readonly description: string | null
}

/** What the description of a rule begins with, by whom it is for. */
export const WHOSE = {
  endpoint: 'for all callers together',
  client: 'for each client',
  'gateway-client': 'for each client over all endpoints',
} as const

/** Gateways count each client, unless a rule says that all callers share it. */
export function scopeOfRule(description: string | null): 'endpoint' | 'client' {
  return description?.startsWith(WHOSE.endpoint) ? 'endpoint' : 'client'
}

/** All limits in force, at most 2,000; none where the gateway's table cannot be read. */
export async function allRulesInForce(sql: ISql): Promise<DescribedRule[]> {
  try {
    const { columns } = await tableShape(sql, 'rate_limit_rules')
    const bursts = BURST_COLUMNS.filter((name) => columns.has(name))
    return await sql<DescribedRule[]>`
      select endpoint_pattern as endpoint, requests_per_minute::int as limit,
        ${columns.has('tier') ? sql`tier` : sql`null as tier`},
        ${bursts.length > 0 ? sql`coalesce(${sql(bursts)})::int` : sql`null::int`} as burst,
        ${columns.has('description') ? sql`description` : sql`null as description`}
      from rate_limit_rules where requests_per_minute >= 1
        ${columns.has('enabled') ? sql`and enabled is not false` : sql``}
      order by endpoint_pattern, 3 limit ${MAX_RULES}`
  } catch (error) {
    if (isTableUnusable(error)) return []
    throw error
  }
}

/**
 * Puts a limit in force, in the columns that the gateway's table has. The rule of the same pattern and tier (in any
 * case) is changed, or else a new one is made. Where the table takes one rule for each pattern, that one is changed and
 * gets the tier.
 *
 * @returns the tier whose rule this one replaces; null where none is replaced
 */
export async function putRule(tx: ISql, rule: NewRule): Promise<string | null> {
  const { endpoint, tier } = rule
  const { columns } = await tableShape(tx, 'rate_limit_rules')
  const values = ruleValues(rule, (name) => columns.has(name))
  const ofTier = columns.has('tier') ? tx`and lower(tier) = lower(${tier})` : tx``
  const { count } = await tx`
    update rate_limit_rules set ${tx(values)} where endpoint_pattern = ${endpoint} ${ofTier}`
  if (count > 0) return null
  const { key, replacedTier } = await freeKey(tx, endpoint)
  const changes = { ...values, ...(columns.has('tier') && { tier }) }
  const conflict = key ? tx`on conflict (${tx(key.columns)}) do update set ${tx(changes)}` : tx``
  await tx`insert into rate_limit_rules ${tx({ endpoint_pattern: endpoint, ...changes })} ${conflict}`
  return replacedTier
}

/**
 * The unique key that a rule for another tier of a pattern meets. Our own key of one rule for each pattern makes way:
 * it is only there for the scripts of gateways.
 */
async function freeKey(
  tx: ISql,
  endpoint: string,
): Promise<{ key: UniqueKey | undefined; replacedTier: string | null }> {
  const keys = await uniqueKeys(tx)
  const ofPattern = keys.find(({ columns }) => columns.join() === 'endpoint_pattern')
  const ofTier = keys.find(({ columns }) => columns.toSorted().join() === 'endpoint_pattern,tier')
  if (!ofPattern) return { key: ofTier, replacedTier: null }
  const [present] = await tx<{ rule: { tier?: string } }[]>`
    select to_jsonb(rate_limit_rules) as rule from rate_limit_rules where endpoint_pattern = ${endpoint}`
  if (!present || ofPattern.name !== OUR_KEY)
    return { key: ofPattern, replacedTier: present?.rule.tier ?? null }
  await tx`drop index ${tx(OUR_KEY)}`
  return { key: ofTier, replacedTier: null }
}

type Values = Record<string, string | number | boolean | Date>

/** What a rule is set to, in the columns that the table has. */
export function ruleValues(rule: NewRule, has: (column: string) => boolean): Values {
  const { limit, burst, description } = rule
  const all: Values = {
    requests_per_minute: limit,
    ...Object.fromEntries(BURST_COLUMNS.map((name) => [name, burst])),
    enabled: true,
    description,
    updated_at: new Date(),
  }
  return Object.fromEntries(Object.entries(all).filter(([name]) => has(name)))
}

/** The index that migration 007 makes so that a script with ON CONFLICT (endpoint_pattern) runs after it. */
const OUR_KEY = 'aegis_ml_one_rule_per_pattern'

interface UniqueKey {
  readonly name: string
  readonly columns: string[]
}

/** The unique keys of the table, without those of some rows only and those of expressions. */
export async function uniqueKeys(tx: ISql): Promise<UniqueKey[]> {
  return tx<UniqueKey[]>`
    select indexrelid::regclass::text as name, array_agg(attname::text) as columns
    from pg_index join pg_attribute on attrelid = indrelid and attnum = any(indkey)
    where indrelid = 'rate_limit_rules'::regclass and indisunique and indisvalid and indpred is null
      and indexprs is null
    group by indexrelid`
}
