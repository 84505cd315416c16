import fp from 'fastify-plugin'
import { inSlices } from '../db/in-slices.js'
import type { CalendarEntry } from '../models/anomaly/calendar.js'
import { DriftCounts, type Drift } from '../models/anomaly/drift.js'
import type { LeastEffects } from '../models/anomaly/effects.js'
import type { Interval } from '../models/anomaly/features.js'
import { judgeAlone, judgeReport, type Detector } from '../models/stream/judge-report.js'
import { replay, type ReplayedEpisode, type SourceReport } from '../models/stream/replay.js'
import { sensitivitySteps, type Sensitivity } from '../models/stream/sensitivity.js'
import type { Trend } from '../models/stream/source-trend.js'
import { GATEWAY } from '../models/stream/stream-state.js'
import type { StreamVerdict } from '../models/stream/stream-verdict.js'
import { Streams } from '../models/stream/streams.js'
import { assertTimes, sourceReportOf, sourceReportsOf, type Metrics } from './detection/metrics.js'
import { keepStreams } from './detection/stream-memory.js'
import { ServiceError } from './http/errors.js'
import type { ActiveDetector, ModelRegistry } from './model-registry.js'

/** A verdict with what was judged. */
export interface Judged {
  readonly verdict: StreamVerdict
  readonly interval: Interval
  readonly timestampMs: number
  readonly source: string
  readonly modelVersion: string
}

export interface Detection {
  /** Judges one interval and adds it to the stream of its source. */
  detect(metrics: Metrics): Judged
  /** Judges each interval alone. No stream is read or changed. */
  detectBatch(metrics: readonly Metrics[]): Judged[]
  /** Judges intervals in order of time, each source as a stream that begins with them. */
  replay(metrics: readonly Metrics[]): { verdicts: Judged[]; episodes: ReplayedEpisode[] }
  trend(source?: string): Trend
  /** How far recent traffic has moved from what the active model learned; null without a model. */
  drift(): Drift | null
  /** The smallest changes that the active model finds. */
  sensitivity(): Promise<{ readonly version: string; readonly hours: readonly Sensitivity[] }>
  /** What is remembered of each source. */
  readonly streams: Streams
  /** @param of when something of a source was deployed lately, ms since 1970, from memory */
  knowDeployments(of: (source: string) => readonly number[]): void
  /** Calls back with each verdict of `detect`. The listener does no I/O and does not throw. */
  onJudged(listener: (judged: Judged) => void): void
}

declare module 'fastify' {
  interface FastifyInstance {
    detection: Detection
  }
}

export interface DetectionOptions {
  readonly models: { readonly active: Pick<ModelRegistry['active'], 'anomaly'> }
  readonly effects: LeastEffects
  readonly calendar: readonly CalendarEntry[]
  readonly now: () => number
}

export function createDetection({ models, effects, calendar, now }: DetectionOptions): Detection {
  const streams = new Streams()
  const listeners: ((judged: Judged) => void)[] = []
  let deployedTo: (source: string) => readonly number[] = () => []
  let found: { readonly version: string; readonly hours: Promise<Sensitivity[]> } | undefined
  let drift: { readonly version: string; readonly counts: DriftCounts } | undefined

  const driftOf = ({ version, model }: ActiveDetector): DriftCounts => {
    if (drift?.version !== version) drift = { version, counts: new DriftCounts(model.tenths) }
    return drift.counts
  }
  const activeDetector = (): ActiveDetector => {
    const detector = models.active.anomaly
    if (detector) return detector
    throw new ServiceError(
      'MODEL_NOT_TRAINED',
      'No anomaly model is active. Train one with POST /train, or load a stored one with POST /model/load.',
    )
  }
  const detectorOf = ({ version, model, engine }: ActiveDetector): Detector => ({
    modelVersion: version,
    model,
    score: (matrix) => engine.score(matrix),
    effects,
    calendar,
  })

  return {
    streams,
    onJudged: (listener) => void listeners.push(listener),
    knowDeployments(of) {
      deployedTo = of
    },
    detect(metrics) {
      const active = activeDetector()
      const { intervalSeconds } = active.model
      const { source, timed } = sourceReportOf(metrics, now(), intervalSeconds)
      const deployedMs = deployedTo(source)
      const detector = deployedMs.length === 0 ? detectorOf(active) : { ...detectorOf(active), deployedMs }
      const judged = streams.report(source, timed, 1000 * intervalSeconds, now(), (state, row) => {
        const next = judgeReport(state, source, row, detector)
        if (next.modelZ) driftOf(active).add(next.modelZ)
        return next
      })
      const { interval } = judged.timed
      const answer = judgedOf({ source, timed: { interval, timeMs: timed.timeMs } }, judged.verdict, active)
      for (const listener of listeners) listener(answer)
      return answer
    },
    detectBatch(metrics) {
      const active = activeDetector()
      const reports = sourceReportsOf(metrics, now(), active.model.intervalSeconds)
      const verdicts = judgeAlone(
        reports.map(({ timed }) => timed),
        detectorOf(active),
      )
      return reports.map((report, index) => judgedOf(report, verdicts[index]!, active))
    },
    replay(metrics) {
      assertTimes(metrics)
      const active = activeDetector()
      const reports = sourceReportsOf(metrics, now(), active.model.intervalSeconds)
      const { verdicts, episodes } = replay(reports, detectorOf(active))
      return {
        verdicts: reports.map((report, index) => judgedOf(report, verdicts[index]!, active)),
        episodes,
      }
    },
    trend: (source = GATEWAY) => streams.trend(source),
    drift() {
      const active = models.active.anomaly
      return active && driftOf(active).drift()
    },
    async sensitivity() {
      const { version, model } = activeDetector()
      if (found?.version !== version) found = { version, hours: inSlices(sensitivitySteps(model, effects)) }
      return { version, hours: await found.hours }
    },
  }
}

function judgedOf(
  { source, timed: { interval, timeMs } }: SourceReport,
  verdict: StreamVerdict,
  { version: modelVersion }: ActiveDetector,
): Judged {
  return { verdict, interval, timestampMs: timeMs, source, modelVersion }
}

/** `fastify.detection`. A verdict does no I/O: everything that it needs is in memory. */
export default fp(
  async (app) => {
    const { models, config, sql, database, log } = app
    const { effects, calendar } = config
    const detection = createDetection({ models, effects, calendar, now: Date.now })
    const memory = await keepStreams({ streams: detection.streams, sql, database, log })
    models.onReset('anomaly', () => memory.forget())
    app.decorate('detection', detection)
    app.addHook('preClose', () => memory.close())
  },
  { name: 'detection', dependencies: ['config', 'database', 'model-registry'] },
)
