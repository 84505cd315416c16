import type { Sql } from 'postgres'
import { isDatabaseAway } from '../../db/errors.js'
import { rulesInForce, type RuleRow } from '../../db/own/rules.js'

type RuleOf = (endpoint: string) => RuleRow | undefined

/**
 * The rate limits in force for a tier, by endpoint; a rule without a tier is for all tiers. While the database is away,
 * none is known.
 */
export async function rulesFor(sql: Sql, endpoints: readonly string[], tier: string): Promise<RuleOf> {
  const rules = new Map<string, RuleRow[]>()
  for (const rule of await readRules(sql, endpoints)) {
    rules.set(rule.endpoint, [...(rules.get(rule.endpoint) ?? []), rule])
  }
  return (endpoint) => {
    const own = rules.get(endpoint) ?? []
    return own.find((rule) => rule.tier?.toLowerCase() === tier) ?? own.find((rule) => rule.tier === null)
  }
}

async function readRules(sql: Sql, endpoints: readonly string[]): Promise<RuleRow[]> {
  try {
    return await rulesInForce(sql, endpoints)
  } catch (error) {
    if (isDatabaseAway(error)) return []
    throw error
  }
}
