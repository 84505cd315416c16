import { intervalsOf, type Interval } from '../anomaly/features.js'
import { SLOWER } from '../anomaly/harm.js'
import { SEVERITIES, type AnomalyType } from '../anomaly/verdict.js'
import { regularHistory, type History } from '../anomaly/regular-history.js'
import { judgeReport, type Detector } from '../stream/judge-report.js'
import { beginStream, GATEWAY } from '../stream/stream-state.js'
import type { StreamVerdict } from '../stream/stream-verdict.js'
import { MINUTE_MS } from '../traffic/durations.js'
import type { Incident } from './incident.js'

/** Two alarms with a shorter pause between them belong to one incident. */
const MAX_PAUSE_MS = 10 * MINUTE_MS

/**
 * The incidents that a detector would have found in the history of a gateway, in order of time. Pure; each step judges one
 * row, and yields the share of the history that is judged, 0…1. O(rows).
 *
 * @param history of the whole gateway; a minute that it leaves out had no requests
 * @param fromMs earlier minutes are judged, so that the stream knows the traffic, but are in no incident
 */
export function* scanHistory(
  history: History,
  detector: Detector,
  fromMs: number,
): Generator<number, Incident[]> {
  const { samples, timesMs, intervalSeconds } = regularHistory(
    withEmptyMinutes(history),
    detector.model.intervalSeconds,
  )
  const rowMs = 1000 * intervalSeconds
  const found: OpenIncident[] = []
  let state = beginStream(GATEWAY)
  let row = 0
  for (const interval of intervalsOf(samples, intervalSeconds)) {
    const timeMs = timesMs[row]!
    const judged = judgeReport(state, GATEWAY, { interval, timeMs }, detector)
    state = judged.state
    if (judged.verdict.confirmed && timeMs >= fromMs) add(found, interval, timeMs, rowMs, judged.verdict)
    yield ++row / timesMs.length
  }
  const isOpen = state.episode !== null
  return found.map((each, i) => toIncident(each, i + 1, isOpen && i === found.length - 1))
}

/** Rows of minutes, with those between the first and the last that had no requests. */
function withEmptyMinutes(history: History): History {
  const { samples, timesMs, intervalSeconds = 60 } = history
  if (timesMs.length === 0) return history
  const rowMs = 1000 * intervalSeconds
  const width = samples.length / timesMs.length
  const first = timesMs[0]!
  const count = Math.round((timesMs.at(-1)! - first) / rowMs) + 1
  const filled = new Float64Array(count * width)
  for (let i = 0; i < count; i++) filled.set([0, NaN, NaN, NaN, 0], i * width)
  timesMs.forEach((timeMs, row) => {
    const at = Math.round((timeMs - first) / rowMs)
    filled.set(samples.subarray(row * width, (row + 1) * width), at * width)
  })
  return {
    samples: filled,
    timesMs: Float64Array.from({ length: count }, (_, i) => first + i * rowMs),
    intervalSeconds,
  }
}

interface OpenIncident extends Pick<Incident, 'severity' | 'peak' | 'startedMs' | 'explanation'> {
  endedMs: number
  readonly types: Map<AnomalyType, number>
  readonly impact: { requests: number; failed: number; slow: number; missing: number; excess: number }
}

function add(
  found: OpenIncident[],
  interval: Interval,
  timeMs: number,
  rowMs: number,
  verdict: StreamVerdict,
) {
  const { type, severity, explanation, streak } = verdict
  if (type === null || severity === null) return
  const before = found.at(-1)
  const goesOn = before !== undefined && timeMs - before.endedMs <= MAX_PAUSE_MS
  const open: OpenIncident = goesOn
    ? before
    : {
        // The reports right before it that were anomalous too led to the alarm.
        startedMs: timeMs - Math.max(0, streak - 1) * rowMs,
        ...{ endedMs: timeMs, severity, explanation, peak: { severity, timeMs }, types: new Map() },
        impact: { requests: 0, failed: 0, slow: 0, missing: 0, excess: 0 },
      }
  open.endedMs = timeMs + rowMs
  open.types.set(type, (open.types.get(type) ?? 0) + 1)
  addImpact(open.impact, interval, verdict)
  const isSeverer = SEVERITIES.indexOf(severity) > SEVERITIES.indexOf(open.peak.severity)
  const next = isSeverer ? { ...open, severity, explanation, peak: { severity, timeMs } } : open
  if (goesOn) found[found.length - 1] = next
  else found.push(next)
}

/** What a row adds to the numbers: requests that failed, were slow, were missing or were too many, more than usual. */
function addImpact(impact: OpenIncident['impact'], interval: Interval, { expected }: StreamVerdict): void {
  const { requests, seconds, error_rate: errorRate } = interval
  impact.requests += requests
  impact.failed += requests * Math.max(0, errorRate - expected.error_rate.value)
  impact.slow += requests * slowShare(interval, expected)
  const rate = expected.requests_per_second
  const more = requests - rate.value * seconds
  if (interval.requests_per_second < rate.lower) impact.missing += Math.max(0, -more)
  if (interval.requests_per_second > rate.upper) impact.excess += Math.max(0, more)
}

/** The share q of requests that is slower by a factor f: the average grows by 1 + q (f − 1), percentiles by f; see `harmOf`. */
function slowShare(interval: Interval, expected: StreamVerdict['expected']): number {
  const ratio = (feature: 'avg_latency_ms' | 'p95_latency_ms' | 'p99_latency_ms') => {
    const usual = expected[feature].value
    return interval[feature] > 0 && usual > 0 ? interval[feature] / usual : 1
  }
  const average = ratio('avg_latency_ms')
  const slowest = Math.max(average, ratio('p95_latency_ms'), ratio('p99_latency_ms'))
  return slowest <= SLOWER.from ? 0 : Math.min(1, Math.max(0, average - 1) / (slowest - 1))
}

function toIncident(
  { types, impact, endedMs, ...rest }: OpenIncident,
  number: number,
  isOpen: boolean,
): Incident {
  const type = [...types].reduce((most, each) => (each[1] > most[1] ? each : most))[0]
  return {
    number,
    series: { kind: 'gateway', name: '' },
    type,
    ...rest,
    endedMs: isOpen ? null : endedMs,
    endpoints: [],
    impact: {
      requests: Math.round(impact.requests),
      failed: Math.round(impact.failed),
      slow: Math.round(impact.slow),
      missing: Math.round(impact.missing),
      excess: Math.round(impact.excess),
    },
  }
}
