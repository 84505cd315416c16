import fp from 'fastify-plugin'
import { judgeIntervals } from '../models/anomaly/detector.js'
import type { Interval } from '../models/anomaly/features.js'
import type { Verdict } from '../models/anomaly/verdict.js'
import { CONFIRMING_STREAK, SlidingWindows, type Trend } from '../models/stream/sliding-window.js'
import { ServiceError } from './errors.js'
import type { ActiveDetector, ModelRegistry } from './model-registry.js'
import { parseTime } from './validation.js'

/** One interval as a gateway reports it; API names and units. */
export interface Metrics {
  readonly requests_per_second: number
  readonly avg_latency_ms: number
  readonly p95_latency_ms: number
  readonly p99_latency_ms: number
  readonly error_rate: number
  readonly timestamp?: string
  readonly total_requests?: number
  readonly interval_seconds?: number
  readonly source?: string
  readonly traffic_only?: boolean
}

/** A verdict with its place in the stream of its source. */
export interface StreamVerdict extends Verdict {
  readonly interval: Interval
  readonly timestampMs: number
  readonly streak: number
  readonly confirmed: boolean
  readonly modelVersion: string
}

export interface Detection {
  /** Judges one interval and takes it into the window of its source. */
  detect(metrics: Metrics): StreamVerdict
  /** Judges intervals each by itself: the windows are neither asked nor moved. */
  detectBatch(metrics: readonly Metrics[]): StreamVerdict[]
  trend(source?: string): Trend
  /** Forgets the windows of all sources. */
  clear(): void
}

declare module 'fastify' {
  interface FastifyInstance {
    detection: Detection
  }
}

const DEFAULT_INTERVAL_SECONDS = 60

export function createDetection({ models, now }: { models: ModelRegistry; now: () => number }): Detection {
  const windows = new SlidingWindows()

  const activeDetector = (): ActiveDetector => {
    const detector = models.active.anomaly
    if (detector) return detector
    throw new ServiceError(
      'MODEL_NOT_TRAINED',
      'No anomaly model is active. Train one with POST /train, or load a stored one with POST /model/load.',
    )
  }

  return {
    detect(metrics) {
      const detector = activeDetector()
      const timestampMs = timeOf(metrics, now())
      const interval = intervalOf(metrics)
      const verdict = judgeAll([interval], detector)[0]!
      const report = {
        timestampMs,
        requestsPerSecond: metrics.requests_per_second,
        avgLatencyMs: metrics.avg_latency_ms,
        errorRate: metrics.error_rate,
        anomaly: verdict.anomaly,
        trafficOnly: metrics.traffic_only ?? false,
      }
      const streak = windows.add(metrics.source ?? 'default', report, now())
      return inStream(verdict, interval, timestampMs, streak, detector)
    },
    detectBatch(metrics) {
      const detector = activeDetector()
      const nowMs = now()
      const times = metrics.map((each) => timeOf(each, nowMs))
      const intervals = metrics.map(intervalOf)
      return judgeAll(intervals, detector).map((verdict, index) =>
        inStream(verdict, intervals[index]!, times[index]!, verdict.anomaly ? 1 : 0, detector),
      )
    },
    trend: (source = 'default') => windows.trend(source),
    clear: () => windows.clear(),
  }
}

function judgeAll(intervals: readonly Interval[], { engine, model }: ActiveDetector): Verdict[] {
  return judgeIntervals(intervals, model, (matrix) => engine.score(matrix))
}

function inStream(
  verdict: Verdict,
  interval: Interval,
  timestampMs: number,
  streak: number,
  { version: modelVersion }: ActiveDetector,
): StreamVerdict {
  const confirmed = streak >= CONFIRMING_STREAK
  const explanation = confirmed
    ? `CONFIRMED, ${streak} anomalous reports in a row. ${verdict.explanation}`
    : verdict.explanation
  return { ...verdict, explanation, interval, timestampMs, streak, confirmed, modelVersion }
}

function intervalOf(metrics: Metrics): Interval {
  const seconds = metrics.interval_seconds ?? DEFAULT_INTERVAL_SECONDS
  return {
    requests_per_second: metrics.requests_per_second,
    avg_latency_ms: metrics.avg_latency_ms,
    p95_latency_ms: metrics.p95_latency_ms,
    p99_latency_ms: metrics.p99_latency_ms,
    error_rate: metrics.error_rate,
    seconds,
    requests: metrics.total_requests ?? metrics.requests_per_second * seconds,
    trafficOnly: metrics.traffic_only ?? false,
  }
}

/** The time of a report, whose form the schema has seen to. */
function timeOf({ timestamp }: Metrics, nowMs: number): number {
  return (timestamp === undefined ? undefined : parseTime(timestamp)) ?? nowMs
}

/** `fastify.detection`. No I/O: what is needed for a verdict is in memory. */
export default fp(
  async (app) => {
    const detection = createDetection({ models: app.models, now: Date.now })
    app.models.onReset(() => detection.clear())
    app.decorate('detection', detection)
  },
  { name: 'detection', dependencies: ['model-registry'] },
)
