import type { LongWindow, RateLimitRecommendation } from '../rate-limit/recommendation.js'
import { dearestOf, type RequestCosts } from '../rate-limit/request-costs.js'

/**
 * A recommendation in average requests as one in milliseconds. Failures and different paths stay what they are. Nothing
 * is below the cost of the dearest request: it would never pass.
 *
 * @param costs of the requests that the limit counts
 * @param meanWeight what an average request costs, a whole number from 1
 */
export function limitByCost(
  found: RateLimitRecommendation,
  costs: RequestCosts,
  meanWeight: number,
): RateLimitRecommendation {
  const dearest = dearestOf(costs)
  const cost = (requests: number) => Math.max(dearest.weight, Math.round(requests * meanWeight))
  const window = (of: LongWindow | null) => of && { ...of, limit: cost(of.limit) }
  const { interval, clientPeaks, limit } = found
  const isRaised = dearest.weight > limit * meanWeight
  const figures = [...(isRaised ? [raised(dearest, Math.round(limit * meanWeight))] : []), ...found.warnings]
  const inAverage = `Figures are in average requests, each of which costs ${meanWeight} ms.`
  return {
    ...found,
    costs,
    limit: cost(limit),
    burst: cost(found.burst),
    longWindow: window(found.longWindow),
    dayWindow: window(found.dayWindow),
    exceptions: found.exceptions.map((each) => ({
      ...each,
      limit: cost(each.limit),
      burst: cost(each.burst),
    })),
    interval: interval && { lower: interval.lower * meanWeight, upper: interval.upper * meanWeight },
    burstCurve: found.burstCurve.map(({ limit, burst }) => ({ limit: cost(limit), burst: cost(burst) })),
    clientPeaks: clientPeaks && {
      p50: clientPeaks.p50 * meanWeight,
      p90: clientPeaks.p90 * meanWeight,
      p99: clientPeaks.p99 * meanWeight,
    },
    reasoning: `${inAverage} ${found.reasoning} In milliseconds the limit is ${cost(limit)} a minute.`,
    warnings: found.warnings.length > 0 ? [inAverage, ...figures] : figures,
  }
}

function raised({ path, weight }: ReturnType<typeof dearestOf>, limit: number): string {
  return `A request of ${path ?? 'other'} costs ${weight} ms, so no limit can be lower; without it, ${limit} would be enough.`
}
