import { KINDS, type Kind } from '../../anomaly/kinds.js'
import type { TimedInterval } from '../../anomaly/measure.js'
import { MINUTE_MS } from '../../traffic/durations.js'
import { MIN_REPORTS } from '../evidence.js'
import { judgeReport } from '../judge-report.js'
import { changedBy } from '../sensitivity.js'
import { GATEWAY } from '../stream-state.js'
import type { FollowedHistory } from './follow-history.js'
import { isNear, type TimeSpan } from './time-span.js'

/** Moments of the history at which probes are injected, evenly apart. */
export const PROBE_MOMENTS = 24

/** Sizes of probes, as multiples of the smallest deviation that matters: traffic ×2.4 and ×6 with the usual effects. */
export const PROBE_SIZES = [4, 8] as const

/** How long a probe lasts. */
export const PROBE_MINUTES = 15

/** No alarm is so near to a probe: what is found there is the probe. */
const CALM_MS = 60 * MINUTE_MS

/** An artificial incident in a history. */
export interface Probe {
  readonly index: number
  readonly kind: Kind
  readonly size: number
}

/** The rows of a history at which probes are injected. The first tenth is left to the stream to warm up. */
export function probeRows(reports: readonly TimedInterval[]): number[] {
  const first = Math.ceil(reports.length / 10)
  const step = (reports.length - first) / (PROBE_MOMENTS + 1)
  if (step < 1) return []
  return Array.from({ length: PROBE_MOMENTS }, (_, i) => Math.floor(first + (i + 1) * step))
}

/** The probes at rows that no alarm and no incident is near to. */
export function probesOf(
  rows: readonly number[],
  reports: readonly TimedInterval[],
  busy: readonly TimeSpan[],
): Probe[] {
  const calm = rows.filter((row) => {
    const { timeMs } = reports[row]!
    return !busy.some((span) => isNear(span, { fromMs: timeMs, toMs: timeMs }, CALM_MS))
  })
  return calm.flatMap((index) =>
    KINDS.flatMap((kind) => PROBE_SIZES.map((size): Probe => ({ index, kind, size }))),
  )
}

/**
 * Whether a detector raises an alarm within a probe: the reports from a row on are changed, and judged from the state
 * that the stream had before them. A probe that changes nothing, such as latencies that are not known, is not found.
 */
export function findsProbe(
  { detector, reports, states }: FollowedHistory,
  { index, kind, size }: Probe,
): boolean {
  const rowMs = detector.model.intervalSeconds * 1000
  const rows = Math.max(MIN_REPORTS, Math.ceil((PROBE_MINUTES * MINUTE_MS) / rowMs))
  let state = states.get(index)
  if (!state) return false
  for (const { interval, timeMs } of reports.slice(index, index + rows)) {
    const changed = changedBy(interval, kind, size, detector.effects)
    if (!Number.isFinite(changed.size)) continue
    const judged = judgeReport(state, GATEWAY, { interval: changed.interval, timeMs }, detector)
    if (judged.verdict.confirmed) return true
    state = judged.state
  }
  return false
}
