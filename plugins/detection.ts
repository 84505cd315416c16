import fp from 'fastify-plugin'
import { calendarEntryAt, type CalendarEntry } from '../models/anomaly/calendar.js'
import { DriftCounts, type Drift } from '../models/anomaly/drift.js'
import { judgeIntervals, type ScoreRows, type TimedInterval } from '../models/anomaly/detector.js'
import type { LeastEffects } from '../models/anomaly/effects.js'
import type { Interval } from '../models/anomaly/features.js'
import type { AnomalyType } from '../models/anomaly/verdict.js'
import { forModel, judgeNext, WHOLE, type StreamState, type StreamVerdict } from '../models/stream/stream.js'
import { Streams, type Report, type Trend } from '../models/stream/streams.js'
import { ServiceError } from './http/errors.js'
import type { ActiveDetector, ModelRegistry } from './model-registry.js'
import { keepStreams } from './detection/stream-memory.js'
import { parseTime } from './http/validation.js'

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
  readonly traffic_only?: boolean
  readonly source?: string
}

/** A verdict with what was judged. */
export interface Judged {
  readonly verdict: StreamVerdict
  readonly interval: Interval
  readonly timestampMs: number
  readonly source: string
  readonly modelVersion: string
}

/** An alarm from its first confirmed report to its last. */
export interface ReplayedEpisode {
  readonly source: string
  readonly fromMs: number
  readonly toMs: number
  readonly type: NonNullable<StreamVerdict['type']>
  readonly severity: NonNullable<StreamVerdict['severity']>
  readonly explanation: string
}

export interface Detection {
  /** Judges one interval and takes it into the stream of its source. */
  detect(metrics: Metrics): Judged
  /** Judges intervals each by itself: the streams are neither asked nor moved. */
  detectBatch(metrics: readonly Metrics[]): Judged[]
  /** Judges intervals in order of time, each source as a stream of its own that begins with them. */
  replay(metrics: readonly Metrics[]): { verdicts: Judged[]; episodes: ReplayedEpisode[] }
  trend(source?: string): Trend
  /** How far recent traffic has moved from what the active model learned; null without one. */
  drift(): Drift | null
  /** What is remembered of each source. */
  readonly streams: Streams
}

declare module 'fastify' {
  interface FastifyInstance {
    detection: Detection
  }
}

export interface DetectionOptions {
  readonly models: ModelRegistry
  readonly effects: LeastEffects
  readonly calendar: readonly CalendarEntry[]
  readonly now: () => number
}

const DEFAULT_INTERVAL_SECONDS = 60

export function createDetection({ models, effects, calendar, now }: DetectionOptions): Detection {
  const streams = new Streams()
  let counted: { readonly version: string; readonly counts: DriftCounts } | undefined

  const countsOf = ({ version, model }: ActiveDetector): DriftCounts => {
    if (counted?.version !== version) counted = { version, counts: new DriftCounts(model.tenths) }
    return counted.counts
  }
  const activeDetector = (): ActiveDetector => {
    const detector = models.active.anomaly
    if (detector) return detector
    throw new ServiceError(
      'MODEL_NOT_TRAINED',
      'No anomaly model is active. Train one with POST /train, or load a stored one with POST /model/load.',
    )
  }
  const scoreOf =
    ({ engine }: ActiveDetector): ScoreRows =>
    (matrix) =>
      engine.score(matrix)
  /** The verdict on the next report of a stream; what lies in the calendar is no news, and teaches nothing. */
  const next = (timed: TimedInterval, source: string, detector: ActiveDetector) => (before: StreamState) => {
    const state = forModel(before, source, detector.version, detector.model)
    const judged = judgeNext(state, timed, detector.model, effects, scoreOf(detector))
    const entry = calendarEntryAt(calendar, timed.timeMs)
    return entry ? { verdict: excepted(judged.verdict, entry), state, standard: null } : judged
  }

  return {
    streams,
    detect(metrics) {
      const detector = activeDetector()
      const timed = timedOf(metrics, now())
      const source = metrics.source ?? WHOLE
      const report = reportOf(metrics, timed.timeMs)
      const verdict = streams.report(source, report, now(), (state) => {
        const judged = next(timed, source, detector)(state)
        if (judged.standard) countsOf(detector).add(judged.standard)
        return judged
      })
      return judgedOf(verdict, timed, source, detector)
    },
    detectBatch(metrics) {
      const detector = activeDetector()
      const nowMs = now()
      const timed = metrics.map((each) => timedOf(each, nowMs))
      return judgeIntervals(timed, detector.model, effects, scoreOf(detector)).map((verdict, index) => {
        const alone = { ...verdict, streak: verdict.anomaly ? 1 : 0, confirmed: false, episodeSinceMs: null }
        const entry = calendarEntryAt(calendar, timed[index]!.timeMs)
        const told = entry ? excepted(alone, entry) : alone
        return judgedOf(told, timed[index]!, metrics[index]!.source ?? WHOLE, detector)
      })
    },
    replay(metrics) {
      assertTimes(metrics)
      const detector = activeDetector()
      const timed = metrics.map((each) => timedOf(each, now()))
      const order = [...timed.keys()].sort((a, b) => timed[a]!.timeMs - timed[b]!.timeMs)
      const streams = new Streams()
      const verdicts = new Array<Judged>(metrics.length)
      for (const index of order) {
        const source = metrics[index]!.source ?? WHOLE
        const { timeMs } = timed[index]!
        const report = reportOf(metrics[index]!, timeMs)
        const verdict = streams.report(source, report, timeMs, next(timed[index]!, source, detector))
        verdicts[index] = judgedOf(verdict, timed[index]!, source, detector)
      }
      return { verdicts, episodes: episodesOf(order.map((index) => verdicts[index]!)) }
    },
    trend: (source = WHOLE) => streams.trend(source),
    drift() {
      const detector = models.active.anomaly
      return detector && countsOf(detector).drift()
    },
  }
}

/** Without their times reports have no order. */
function assertTimes(metrics: readonly Metrics[]): void {
  const missing = metrics.findIndex(({ timestamp }) => timestamp === undefined)
  if (missing < 0) return
  const [field, problem] = [`metrics[${missing}].timestamp`, 'is required with mode replay']
  throw new ServiceError('INVALID_REQUEST', `${field} ${problem}.`, [{ field, problem }])
}

function judgedOf(
  verdict: StreamVerdict,
  { interval, timeMs }: TimedInterval,
  source: string,
  { version: modelVersion }: ActiveDetector,
): Judged {
  return { verdict, interval, timestampMs: timeMs, source, modelVersion }
}

/**
 * The alarms, each with the type that most of its minutes have.
 *
 * @param judged in order of time
 */
function episodesOf(judged: readonly Judged[]): ReplayedEpisode[] {
  const open = new Map<string, ReplayedEpisode & { counts: Map<AnomalyType, number> }>()
  const severest = ['low', 'medium', 'high', 'critical']
  for (const { source, timestampMs, verdict } of judged) {
    const { confirmed, episodeSinceMs, type, severity, explanation } = verdict
    if (!confirmed || episodeSinceMs === null || type === null || severity === null) continue
    const key = `${episodeSinceMs} ${source}`
    const before = open.get(key)
    const counts = before?.counts ?? new Map<AnomalyType, number>()
    counts.set(type, (counts.get(type) ?? 0) + 1)
    const isSeverer = before && severest.indexOf(severity) > severest.indexOf(before.severity)
    if (!before) {
      open.set(key, {
        source,
        fromMs: episodeSinceMs,
        toMs: timestampMs,
        type,
        severity,
        explanation,
        counts,
      })
    } else {
      open.set(key, { ...before, toMs: timestampMs, ...(isSeverer && { severity, explanation }) })
    }
  }
  return [...open.values()]
    .map(({ counts, ...episode }) => ({ ...episode, type: mostFrequent(counts) }))
    .sort((a, b) => a.fromMs - b.fromMs || (a.source < b.source ? -1 : 1))
}

function mostFrequent<T>(counts: ReadonlyMap<T, number>): T {
  return [...counts].reduce((most, each) => (each[1] > most[1] ? each : most))[0]
}

function excepted(verdict: StreamVerdict, { reason }: CalendarEntry): StreamVerdict {
  return {
    ...verdict,
    anomaly: false,
    normalizedScore: Math.min(verdict.normalizedScore, 0.49),
    type: null,
    severity: null,
    explanation: `Not judged: the calendar has ${JSON.stringify(reason)} for this time.`,
    streak: 0,
    confirmed: false,
    episodeSinceMs: null,
  }
}

function reportOf(metrics: Metrics, timestampMs: number): Report {
  return {
    timestampMs,
    requestsPerSecond: metrics.requests_per_second,
    avgLatencyMs: metrics.avg_latency_ms,
    errorRate: metrics.error_rate,
    trafficOnly: metrics.traffic_only,
  }
}

function timedOf(metrics: Metrics, nowMs: number): TimedInterval {
  const { timestamp } = metrics // whose form the schema has seen to
  const timeMs = (timestamp === undefined ? undefined : parseTime(timestamp)) ?? nowMs
  return { interval: intervalOf(metrics), timeMs }
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

/** `fastify.detection`. No I/O: what is needed for a verdict is in memory. */
export default fp(
  async (app) => {
    const { models, config, sql, database, log } = app
    const { effects, calendar } = config
    const detection = createDetection({ models, effects, calendar, now: Date.now })
    const memory = await keepStreams({ streams: detection.streams, sql, database, log })
    models.onReset(() => memory.forget())
    app.decorate('detection', detection)
    app.addHook('preClose', () => memory.close())
  },
  { name: 'detection', dependencies: ['config', 'database', 'model-registry'] },
)
