import type { EndpointProfile } from './endpoints/profile.js'
import { counted } from './figures.js'
import type { Strategy } from './strategies.js'

/** What can be wrong with a recommendation. */
interface WarningCase {
  readonly profile: EndpointProfile
  readonly strategy: Strategy
  readonly limit: number
  readonly currentLimit: number | null
  /** Where the limit is below what is regularly seen: in what, as the end of a sentence. */
  readonly belowUsual: string | null
}

const FAR_BELOW = 0.7
const MANY_ERRORS = 0.1
const STRONG_SWING = 0.8
const FEW_REQUESTS = 1000

/** What a person should know before the limit is applied; a sentence each, none when all is well. */
export function limitWarnings({ profile, strategy, limit, currentLimit, belowUsual }: WarningCase): string[] {
  const { errorRate, timeOfDayVariance, totalRequests, avgLatencyMs } = profile
  const warnings: string[] = []
  if (currentLimit !== null && limit < FAR_BELOW * currentLimit) {
    warnings.push(
      `The recommended limit of ${limit} is far below the current limit of ${currentLimit} requests a minute.`,
    )
  }
  if (belowUsual !== null) {
    warnings.push(`The limit of ${limit} is below what is regularly seen: ${belowUsual}.`)
  }
  if (errorRate > MANY_ERRORS) {
    warnings.push(`${round(100 * errorRate)} % of the requests fail: find out why before limiting them.`)
  }
  if (timeOfDayVariance > STRONG_SWING) {
    warnings.push(
      `Traffic swings strongly over the day (variance ${round(timeOfDayVariance)}): a limit by time of day may fit better.`,
    )
  }
  if (totalRequests < FEW_REQUESTS) {
    warnings.push(
      `Only ${counted(totalRequests, 'request')} to learn from; fewer than ${FEW_REQUESTS} are little.`,
    )
  }
  if (avgLatencyMs === 0 && strategy === 'adaptive') {
    warnings.push('No latency is recorded for this endpoint: the strategy adaptive takes it for fast.')
  }
  return warnings
}

function round(value: number): number {
  return Number(value.toPrecision(3))
}
