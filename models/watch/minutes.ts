import { toScale } from '../anomaly/scales.js'
import { MINUTE_MS } from '../traffic/durations.js'
import type { Clock } from './clock.js'
import { isLeftOut, type EndpointHistory } from './history.js'

/** The minutes of an endpoint on a clock, from its first whole minute on. */
export interface EndpointMinutes {
  /** The minute of the clock that it begins with. */
  readonly first: number
  /** `[nMinutes of the clock]`; NaN before the first minute and where the traffic is not known. */
  readonly requests: Float64Array
  readonly failed: Float64Array
  /** Latencies on their scale, see `toScale`; NaN where not known. */
  readonly avg: Float64Array
  readonly p95: Float64Array
  readonly p99: Float64Array
}

/** Minutes of the endpoint outside the clock are left out. O(n). */
export function minutesOn(clock: Clock, history: EndpointHistory): EndpointMinutes {
  const { startMs, nMinutes, isKnown } = clock
  const first = Math.max(0, Math.ceil((history.firstSeenMs - startMs) / MINUTE_MS))
  const unknown = () => new Float64Array(nMinutes).fill(NaN)
  const isLearned = (i: number) => i >= first && !isLeftOut(history, startMs + i * MINUTE_MS)
  const requests = Float64Array.from(isKnown, (known, i) => (known === 1 && isLearned(i) ? 0 : NaN))
  const failed = requests.slice()
  const [avg, p95, p99] = [unknown(), unknown(), unknown()]
  history.timesMs.forEach((timeMs, row) => {
    const i = Math.floor((timeMs - startMs) / MINUTE_MS)
    if (i < first || i >= nMinutes || !(history.requests[row]! > 0) || isLeftOut(history, timeMs)) return
    requests[i] = history.requests[row]!
    failed[i] = history.failed[row]!
    avg[i] = toScale('avg_latency_ms', history.avgMs[row]!)
    p95[i] = toScale('p95_latency_ms', history.p95Ms[row]!)
    p99[i] = toScale('p99_latency_ms', history.p99Ms[row]!)
  })
  return { first, requests, failed, avg, p95, p99 }
}
