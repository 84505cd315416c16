import type { NewRecommendation, StoredRecommendation } from '../../db/own/recommendations.js'
import type { RuleRow } from '../../db/own/rules.js'
import { PROFILE_COLUMNS } from '../../formats/limit-files/profile-columns.js'
import type { EndpointProfile } from '../../models/rate-limit/endpoints/profile.js'
import type { RateLimitException } from '../../models/rate-limit/exception.js'
import type { LongWindow, RateLimitRecommendation, Scope } from '../../models/rate-limit/recommendation.js'

/** A recommendation that is kept in the gateway's table. */
export interface KeptRecommendation extends StoredRecommendation {
  /** Null where others have written the row. */
  readonly scope: Scope | null
  readonly longWindow: LongWindow | null
  readonly dayWindow: LongWindow | null
  readonly failures: LongWindow | null
  readonly distinctPaths: LongWindow | null
  readonly exceptions: readonly RateLimitException[]
  /** As it is in the table, with the table's names; null for an endpoint never seen. */
  readonly profile: object | null
}

/** The column endpoint_profile: the profile, and what the table has no column for. The gateway may read it. */
interface ProfileCell {
  readonly scope?: Scope | null
  readonly long_window?: LongWindow | null
  readonly day_window?: LongWindow | null
  readonly failures?: LongWindow | null
  readonly distinct_paths?: LongWindow | null
  readonly exceptions?: readonly ExceptionCell[]
}

type ExceptionCell = Omit<RateLimitException, 'reviewAt'> & { readonly review_at: string }

const NO_LONG_WINDOW =
  'rate_limit_rules has no place for the longer windows: set them in the gateway, or take them from GET /export/rate-limits.'
const NO_EXCEPTIONS =
  'rate_limit_rules has no place for exceptions: set them in the gateway, or take them from GET /export/rate-limits.'

/** A recommendation as a row of the table. @param rule in force for the same endpoint and tier */
export function toRow(recommendation: RateLimitRecommendation, rule: RuleRow | undefined): NewRecommendation {
  const { endpoint, tier, strategy, currentLimit, limit, burst, confidence, reasoning } = recommendation
  const { scope, longWindow, dayWindow, failures, distinctPaths, exceptions, profile } = recommendation
  const cell: ProfileCell = {
    ...(profile && toTableNames(profile)),
    ...{ scope, long_window: longWindow, day_window: dayWindow, failures, distinct_paths: distinctPaths },
    exceptions: exceptions.map(({ reviewAt, ...rest }) => ({ ...rest, review_at: reviewAt })),
  }
  const warnings = [
    ...recommendation.warnings,
    ...(longWindow || dayWindow ? [NO_LONG_WINDOW] : []),
    ...(exceptions.length > 0 ? [NO_EXCEPTIONS] : []),
  ]
  return {
    ...{ endpoint, tier, strategy, currentLimit, limit, burst, confidence, reasoning },
    currentBurst: rule?.burst ?? null,
    warnings,
    profile: cell,
  }
}

/** The recommendation of a row, whether this release, an earlier one or another program has written it. */
export function fromRow(row: StoredRecommendation): KeptRecommendation {
  const cell = (row.profile ?? {}) as ProfileCell
  const { scope = null, long_window: longWindow = null, day_window: dayWindow = null, ...rest } = cell
  const { failures = null, distinct_paths: distinctPaths = null, exceptions = [], ...profile } = rest
  return {
    ...{ ...row, scope, longWindow, dayWindow, failures, distinctPaths },
    exceptions: exceptions.map(({ review_at: reviewAt, ...each }) => ({ ...each, reviewAt })),
    profile: Object.keys(profile).length > 0 ? profile : null,
  }
}

function toTableNames(profile: EndpointProfile): object {
  return Object.fromEntries(PROFILE_COLUMNS.map(({ field, name }) => [name, profile[field]]))
}
