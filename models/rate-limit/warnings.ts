import type { EndpointProfile } from './profile.js'

/** What can be wrong with a recommendation. */
export interface WarningCase {
  readonly profile: EndpointProfile
  readonly limit: number
  readonly currentLimit: number | null
}

const FAR_BELOW = 0.7
const MANY_ERRORS = 0.1
const STRONG_SWING = 0.8
const FEW_REQUESTS = 1000

/** What a person should know before the limit is applied; a sentence each, none when all is well. */
export function limitWarnings({ profile, limit, currentLimit }: WarningCase): string[] {
  const { p95_requests_per_minute: p95, error_rate, time_of_day_variance, total_requests } = profile
  const warnings: string[] = []
  if (currentLimit !== null && limit < FAR_BELOW * currentLimit) {
    warnings.push(
      `The recommended limit of ${limit} is far below the current limit of ${currentLimit} requests a minute.`,
    )
  }
  if (limit < p95) {
    warnings.push(
      `The limit of ${limit} is below what the endpoint regularly sees: 5 % of its minutes have more than ${round(p95)} requests.`,
    )
  }
  if (error_rate > MANY_ERRORS) {
    warnings.push(`${round(100 * error_rate)} % of the requests fail: find out why before limiting them.`)
  }
  if (time_of_day_variance > STRONG_SWING) {
    warnings.push(
      `Traffic swings strongly over the day (variance ${round(time_of_day_variance)}): a limit by time of day may fit better.`,
    )
  }
  if (total_requests < FEW_REQUESTS) {
    warnings.push(`Only ${total_requests} requests to learn from; fewer than ${FEW_REQUESTS} are little.`)
  }
  return warnings
}

function round(value: number): number {
  return Number(value.toPrecision(3))
}
