import type { Sql } from 'postgres'
import { isDatabaseAway, isStatementCancelled } from '../../db/errors.js'
import { temporaryLimitsInForce, type TemporaryLimit } from '../../db/own/temporary-limits.js'
import type { RateLimitEntry } from '../../formats/limit-files/limit-entry.js'
import { splitEndpoint } from '../../models/traffic/endpoint-name.js'

/**
 * The entries of a file, those stricter that a temporary limit of their tier holds for now. Files that count costs, or all
 * callers together, stay as they are.
 */
export function withTemporaryLimits(
  entries: readonly RateLimitEntry[],
  inForce: readonly Pick<TemporaryLimit, 'endpoint' | 'tier' | 'limit' | 'burst'>[],
  tier: string,
): RateLimitEntry[] {
  const ofTier = inForce.filter((each) => each.tier.toLowerCase() === tier.toLowerCase())
  return entries.map((entry) => {
    if (entry.costs || entry.scope === 'endpoint') return entry
    const { path } = splitEndpoint(entry.endpoint)
    const found = ofTier.find(({ endpoint }) => endpoint === entry.endpoint || endpoint === path)
    if (found === undefined) return entry
    return {
      ...entry,
      limit: Math.min(entry.limit, found.limit),
      burst: Math.min(entry.burst, found.burst),
    }
  })
}

/** Those in force; none where the database is away: the recommended limits stand without it. */
export async function readTemporaryLimits(sql: Sql): Promise<TemporaryLimit[]> {
  try {
    return await temporaryLimitsInForce(sql)
  } catch (error) {
    if (isDatabaseAway(error) || isStatementCancelled(error)) return []
    throw error
  }
}
