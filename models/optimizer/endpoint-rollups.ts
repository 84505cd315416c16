import type { EndpointTraffic } from '../rate-limit/endpoints/profile.js'

/** The rollups of one method of a path template; minutes and counts without those that are excluded. */
export interface EndpointRollup {
  /** Empty where requests had none. */
  readonly method: string
  readonly path: string
  /** Minutes with requests, since 1970, ascending, and the requests in each. */
  readonly minutes: Float64Array
  readonly counts: Float64Array
  readonly latencySumMs: number
  readonly latencies: number
  /** Of the latencies that count in weights; left out: of all. */
  readonly countedSumMs?: number
  /** Latencies that are too long to count in weights. */
  readonly overlong?: number
  readonly errors: number
}

export type EndpointSums = Pick<
  EndpointTraffic,
  'endpoint' | 'method' | 'frequentMethod' | 'minutes' | 'counts' | 'latencySumMs' | 'latencies' | 'errors'
> &
  Required<Pick<EndpointRollup, 'countedSumMs' | 'overlong'>>

/** Several methods of one path as one endpoint, all methods together. */
export function joinMethods(rollups: readonly EndpointRollup[]): EndpointSums {
  const counts = new Map<number, number>()
  for (const rollup of rollups) {
    for (let i = 0; i < rollup.minutes.length; i++) {
      const minute = rollup.minutes[i]!
      counts.set(minute, (counts.get(minute) ?? 0) + rollup.counts[i]!)
    }
  }
  const minutes = Float64Array.from(counts.keys()).sort()
  const sum = (of: (rollup: EndpointRollup) => number) => rollups.reduce((total, each) => total + of(each), 0)
  return {
    endpoint: rollups[0]!.path,
    method: null,
    frequentMethod: mostFrequent(rollups),
    minutes,
    counts: minutes.map((minute) => counts.get(minute)!),
    latencySumMs: sum(({ latencySumMs }) => latencySumMs),
    latencies: sum(({ latencies }) => latencies),
    countedSumMs: sum(({ countedSumMs, latencySumMs }) => countedSumMs ?? latencySumMs),
    overlong: sum(({ overlong }) => overlong ?? 0),
    errors: sum(({ errors }) => errors),
  }
}

/** The method with the most requests; the first by name of those with as many. */
function mostFrequent(rollups: readonly EndpointRollup[]): string | null {
  const totals = rollups.map(({ method, counts }) => ({
    method,
    total: counts.reduce((sum, count) => sum + count, 0),
  }))
  totals.sort((a, b) => b.total - a.total || (a.method < b.method ? -1 : 1))
  return totals.find(({ method }) => method !== '')?.method ?? null
}

/** One method of a path as an endpoint. */
export function ofMethod(rollup: EndpointRollup): EndpointSums {
  const { method, path, minutes, counts, latencySumMs, latencies, errors } = rollup
  const named = method === '' ? null : method
  return {
    endpoint: path,
    method: named,
    frequentMethod: named,
    minutes,
    counts,
    latencySumMs,
    latencies,
    countedSumMs: rollup.countedSumMs ?? latencySumMs,
    overlong: rollup.overlong ?? 0,
    errors,
  }
}
