import type { NewRecommendation, StoredRecommendation } from '../../db/own/recommendations.js'
import type { RuleRow } from '../../db/own/rules.js'
import { PROFILE_COLUMNS } from '../../formats/limit-files/profile-columns.js'
import type { EndpointProfile } from '../../models/rate-limit/endpoints/profile.js'
import type { LongWindow, RateLimitRecommendation, Scope } from '../../models/rate-limit/recommendation.js'

/** A recommendation that is kept in the gateway's table. */
export interface KeptRecommendation extends StoredRecommendation {
  /** Null where others have written the row. */
  readonly scope: Scope | null
  readonly longWindow: LongWindow | null
  /** As it is in the table, with the table's names; null for an endpoint never seen. */
  readonly profile: object | null
}

/** The column endpoint_profile: the profile, and what the table has no column for. The gateway may read it. */
interface ProfileCell {
  readonly scope?: Scope | null
  readonly long_window?: LongWindow | null
}

const NO_LONG_WINDOW =
  'rate_limit_rules has no place for the longer window: set it in the gateway, or take it from GET /export/rate-limits.'

/** A recommendation as a row of the table. @param rule in force for the same endpoint and tier */
export function toRow(recommendation: RateLimitRecommendation, rule: RuleRow | undefined): NewRecommendation {
  const { endpoint, tier, strategy, currentLimit, limit, burst, confidence, reasoning } = recommendation
  const { scope, longWindow, warnings, profile } = recommendation
  const cell: ProfileCell = { ...(profile && toTableNames(profile)), scope, long_window: longWindow }
  return {
    ...{ endpoint, tier, strategy, currentLimit, limit, burst, confidence, reasoning },
    currentBurst: rule?.burst ?? null,
    warnings: longWindow === null ? warnings : [...warnings, NO_LONG_WINDOW],
    profile: cell,
  }
}

/** The recommendation of a row, whether this release, an earlier one or another program has written it. */
export function fromRow(row: StoredRecommendation): KeptRecommendation {
  const { scope = null, long_window: longWindow = null, ...profile } = (row.profile ?? {}) as ProfileCell
  return { ...row, scope, longWindow, profile: Object.keys(profile).length > 0 ? profile : null }
}

function toTableNames(profile: EndpointProfile): object {
  return Object.fromEntries(PROFILE_COLUMNS.map(({ field, name }) => [name, profile[field]]))
}
