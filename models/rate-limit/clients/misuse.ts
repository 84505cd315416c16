import type { LongWindow } from '../recommendation.js'
import { harmLevel, type HarmBudget } from './harm-level.js'
import { clientPeaks } from './peaks.js'
import { roundLimit } from './round-limit.js'
import { dropRunaways } from './runaway-rows.js'
import type { ClientTable } from './table.js'

/** Limits that stop guessing and scanning, whatever the pace. */
export interface MisuseLimits {
  /** Responses 401, 403 and 404 of one client in a minute. */
  readonly failures: LongWindow
  /** Different paths of one client in an hour; null where paths are not known. */
  readonly distinctPaths: LongWindow | null
}

const HEADROOM = 1.5
const BUDGET: HarmBudget = { clients: 0.0025, requests: 1e-4 }
const MIN_FAILURES = 10
const MIN_PATHS = 50
const MAX_RATIO = 3
const DIGITS = 2

/**
 * The limits by failures and by different paths, learned as the limit by requests is: those who stand apart from the
 * others are left out, and the limit is 1.5 times what all but a budget of the others do.
 *
 * @param trusted by place in table.clients; a shared address has the failures of all who are behind it
 * @param legitimate by row, 1 for those that count for the limit by requests
 */
export function misuseLimits(
  table: ClientTable,
  trusted: Uint8Array,
  legitimate: Uint8Array,
  knowsPaths: boolean,
): MisuseLimits {
  const { busiestFailures, distinctPaths } = table.rows
  const levelOf = (values: ArrayLike<number>) => {
    const kept = Uint8Array.from(legitimate)
    dropRunaways(table, { values, maxRatio: MAX_RATIO }, trusted, kept)
    const { peaks, loads, requests } = clientPeaks(table, values, kept)
    return peaks.length === 0 ? 0 : harmLevel(peaks, loads, requests, BUDGET)
  }
  const limit = (values: ArrayLike<number>, atLeast: number) =>
    Math.max(atLeast, roundLimit(HEADROOM * levelOf(values), DIGITS))
  return {
    failures: { seconds: 60, limit: limit(busiestFailures, MIN_FAILURES) },
    distinctPaths: knowsPaths ? { seconds: 3600, limit: limit(distinctPaths, MIN_PATHS) } : null,
  }
}
