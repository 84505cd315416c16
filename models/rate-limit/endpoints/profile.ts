import { busyMinute } from './busy-minute.js'
import { inRanges, mergeRanges, minutesOutside, type MinuteRange } from '../minute-ranges.js'
import { timeOfDayVariance } from './time-of-day-variance.js'

/** What an endpoint's traffic is like; the names are those of the HTTP interface. */
export interface EndpointProfile {
  readonly endpoint: string
  /** Null when all methods are meant. */
  readonly method: string | null
  /** The method with the most requests; null where requests had none. */
  readonly frequentMethod: string | null
  /** Over all minutes of the range, empty ones too. */
  readonly avgRequestsPerMinute: number
  readonly peakRequestsPerMinute: number
  /** {@link busyMinute} */
  readonly p95RequestsPerMinute: number
  readonly avgLatencyMs: number
  /** Share, 0…1. */
  readonly errorRate: number
  readonly uniqueUsers: number
  readonly totalRequests: number
  /** Requests in a busy second: the 99th percentile of the seconds with any. */
  readonly typicalBurstSize: number
  /** Requests in the busiest second. */
  readonly largestBurstSize: number
  /** {@link timeOfDayVariance} */
  readonly timeOfDayVariance: number
}

/** An endpoint's rollups. */
export interface EndpointTraffic {
  readonly endpoint: string
  readonly method: string | null
  readonly frequentMethod: string | null
  /** The minutes with requests, since 1970, ascending, not empty. */
  readonly minutes: ArrayLike<number>
  /** Requests in each of them, from 1. */
  readonly counts: ArrayLike<number>
  readonly latencySumMs: number
  /** Requests whose latency is known. */
  readonly latencies: number
  readonly errors: number
  readonly uniqueUsers: number
  readonly p99SecondRequests: number
  readonly busiestSecondRequests: number
  /** The minutes that were asked for; from the first to the last request, when absent. */
  readonly range?: MinuteRange | undefined
  /** Incidents and minutes to be left out: they count as if they had not been. */
  readonly excluded?: readonly MinuteRange[]
}

/**
 * The profile of an endpoint from its requests by minute. The requests of excluded minutes do not count;
 * latencies, errors, users and seconds are taken as they are given. O(n log n) in minutes with requests.
 *
 * @returns the profile; null when no minute with requests is left
 */
export function fitEndpointProfile(traffic: EndpointTraffic): EndpointProfile | null {
  const excluded = mergeRanges(traffic.excluded ?? [])
  const { minutes, counts } = withoutExcluded(traffic, excluded)
  if (minutes.length === 0) return null
  const span = { from: minutes[0]!, to: minutes.at(-1)! + 1 }
  const nMinutes = minutesOutside(excluded, span)
  const total = counts.reduce((sum, count) => sum + count, 0)
  const sorted = counts.toSorted()
  return {
    endpoint: traffic.endpoint,
    method: traffic.method,
    frequentMethod: traffic.frequentMethod,
    avgRequestsPerMinute: total / Math.max(1, minutesOutside(excluded, traffic.range ?? span)),
    peakRequestsPerMinute: sorted.at(-1)!,
    p95RequestsPerMinute: busyMinute(sorted, nMinutes),
    avgLatencyMs: traffic.latencies > 0 ? traffic.latencySumMs / traffic.latencies : 0,
    errorRate: Math.min(1, traffic.errors / total),
    uniqueUsers: traffic.uniqueUsers,
    totalRequests: total,
    typicalBurstSize: traffic.p99SecondRequests,
    largestBurstSize: traffic.busiestSecondRequests,
    timeOfDayVariance: timeOfDayVariance(minutes, counts, excluded),
  }
}

function withoutExcluded({ minutes, counts }: EndpointTraffic, excluded: readonly MinuteRange[]) {
  const kept: number[] = []
  for (let i = 0; i < minutes.length; i++) if (!inRanges(excluded, minutes[i]!)) kept.push(i)
  return {
    minutes: Float64Array.from(kept, (i) => minutes[i]!),
    counts: Float64Array.from(kept, (i) => counts[i]!),
  }
}
