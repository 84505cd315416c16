import { CHANNELS, KIND_OF } from '../anomaly/kinds.js'
import { UNKNOWN_BAND } from '../anomaly/expected-band.js'
import { mapFeatures, type Feature } from '../anomaly/features.js'
import type { AnomalyModel } from '../anomaly/model.js'
import type { TimedInterval } from '../anomaly/measure.js'
import type { Series, SeriesMinute } from '../incidents/series-minute.js'
import type { Episode } from '../stream/episode.js'
import type { Evidence } from '../stream/evidence.js'
import { judgeReport, type Detector } from '../stream/judge-report.js'
import { GATEWAY, type StreamState } from '../stream/stream-state.js'
import type { StreamVerdict } from '../stream/stream-verdict.js'
import { MINUTE_MS } from '../traffic/durations.js'
import type { DetailedMinute } from './explained.js'
import type { Latencies } from './mixture.js'
import { intervalOf, type TrafficMinute } from './endpoint-minute.js'
import type { SeriesState } from './series-state.js'

/** Judges a minute of a series by the code that judges the reports of a source. */
export function judgeSeries(
  before: SeriesState,
  series: Series,
  minute: TrafficMinute,
  timeMs: number,
  detector: Detector,
): DetailedMinute & { readonly state: SeriesState; readonly verdict: StreamVerdict } {
  const timed: TimedInterval = { interval: intervalOf(minute), timeMs }
  const { verdict: judged, state: stream } = judgeReport(before.stream, GATEWAY, timed, detector)
  const onsetMs = onsetOf(before, stream, timeMs)
  const verdict = { ...judged, expected: knownBands(judged.expected, detector.model) }
  const expected = expectedLatencies(verdict)
  return {
    state: { stream, onsetMs, fresh: before.fresh },
    verdict,
    minute: seriesMinute(series, timed, verdict, onsetMs, expected.avg),
    latencies: latenciesOf(minute),
    expected,
  }
}

export function latenciesOf({ avgMs, p95Ms, p99Ms }: TrafficMinute): Latencies {
  const known = (value: number) => (Number.isNaN(value) ? null : value)
  return { avg: known(avgMs), p95: known(p95Ms), p99: known(p99Ms) }
}

/** The bands of a verdict. A latency that too few minutes had enough requests for has none: its ends are NaN. */
function knownBands(
  expected: StreamVerdict['expected'],
  { expectations }: AnomalyModel,
): StreamVerdict['expected'] {
  return mapFeatures((feature) => (expectations[feature].isRecorded ? expected[feature] : UNKNOWN_BAND))
}

function expectedLatencies({ expected }: Pick<StreamVerdict, 'expected'>): Latencies {
  const known = (feature: Feature) => {
    const { value } = expected[feature]
    return Number.isNaN(value) ? null : value
  }
  return { avg: known('avg_latency_ms'), p95: known('p95_latency_ms'), p99: known('p99_latency_ms') }
}

function seriesMinute(
  series: Series,
  { interval, timeMs }: TimedInterval,
  { confirmed, type, severity, explanation, expected }: StreamVerdict,
  onsetMs: number | null,
  usualMs: number | null,
): SeriesMinute {
  const { seconds, requests } = interval
  return {
    series,
    timeMs,
    seconds,
    requests,
    failed: requests * interval.error_rate,
    latencyMs: Number.isNaN(interval.avg_latency_ms) ? null : interval.avg_latency_ms,
    expected: {
      requests: expected.requests_per_second.value * seconds,
      failed: requests * expected.error_rate.value,
      latencyMs: usualMs,
    },
    alarm:
      confirmed && type !== null && severity !== null
        ? { type, severity, sinceMs: onsetMs ?? timeMs, explanation }
        : null,
  }
}

/**
 * The first abnormal minute of an episode: the first of the anomalous minutes in a row, or the minute in which the
 * cumulative sum began to rise that proves it (the change point of Page 1954).
 */
function onsetOf(
  before: SeriesState,
  { episode, evidence, streak }: StreamState,
  timeMs: number,
): number | null {
  if (episode === null) return null
  if (before.onsetMs !== null && before.stream.episode?.sinceMs === episode.sinceMs) return before.onsetMs
  const minutes = Math.max(1, streak, minutesOfEvidence(evidence, episode))
  return timeMs - (minutes - 1) * MINUTE_MS
}

/** Minutes since the largest sum of the kinds of an episode began to rise; of equal ones, the one that began last. */
function minutesOfEvidence(evidence: Evidence, { kinds }: Episode): number {
  const sums = CHANNELS.filter((channel) => kinds[KIND_OF[channel]] >= 1).flatMap((channel) => [
    evidence[channel].large,
    evidence[channel].small,
  ])
  const proven = sums.filter(({ sum }) => sum > 0)
  if (proven.length === 0) return 1
  return proven.reduce((a, b) => (b.sum > a.sum || (b.sum === a.sum && b.minutes < a.minutes) ? b : a))
    .minutes
}
