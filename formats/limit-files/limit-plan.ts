import type { RateLimitEntry } from './limit-entry.js'
import { specificity } from './path-pattern.js'

/** The name that requests of no listed endpoint count under. */
const OTHER = 'other'
const ALL = '/**'

/** The limits in the order in which a gateway has to look at them. */
export interface LimitPlan {
  /** Limits of each client over the whole gateway; every request meets them first. */
  readonly gateway: readonly RateLimitEntry[]
  /** Of these the first that matches a request counts: the most specific. */
  readonly endpoints: readonly RateLimitEntry[]
  /** For the requests of no endpoint; null: they have only the limits of the gateway. */
  readonly other: RateLimitEntry | null
}

/**
 * Paths without a placeholder stand before those with one, `{id}` before names that stand for any segment, and one
 * method before all methods. Equal ones keep their order.
 */
export function limitPlan(entries: readonly RateLimitEntry[]): LimitPlan {
  const isOfGateway = ({ scope, path }: RateLimitEntry) => scope === 'gateway-client' || path === ALL
  const rest = entries.filter((entry) => !isOfGateway(entry))
  const ranked = rest
    .filter(({ path }) => path !== OTHER)
    .map((entry) => ({ entry, rank: specificity(entry.path) }))
    .sort(
      (a, b) =>
        a.rank.any - b.rank.any ||
        a.rank.placeholders - b.rank.placeholders ||
        b.rank.characters - a.rank.characters ||
        Number(a.entry.method === null) - Number(b.entry.method === null),
    )
  return {
    gateway: entries.filter(isOfGateway),
    endpoints: ranked.map(({ entry }) => entry),
    other: rest.find(({ path }) => path === OTHER) ?? null,
  }
}

/** What happens to requests of no listed endpoint, as a comment says it. */
export function restInWords({ gateway, other }: LimitPlan): string {
  if (other) return 'Requests of no listed endpoint share the limit of `other`.'
  if (gateway.length > 0) return 'Requests of no listed endpoint have the limit over the whole gateway alone.'
  return 'Requests of no listed endpoint are not limited.'
}
