import type { ScoreRows } from '../../models/anomaly/measure.js'
import { knowsTheDay, type AnomalyModel } from '../../models/anomaly/model.js'
import { DEFAULT_EFFECTS } from '../../models/anomaly/effects.js'
import { EMPTY_BOOK, type BookState } from '../../models/incidents/book-state.js'
import { recordRound } from '../../models/incidents/book.js'
import { createKernelEngine } from '../../models/scoring/kernel-engine.js'
import { calibrateWatch, endpointsToReplay, replayEndpoint } from '../../models/watch/calibrate.js'
import { clockOf } from '../../models/watch/clock.js'
import { fitEndpoint, type EndpointFit } from '../../models/watch/fit-endpoint.js'
import type { EndpointMinute, TrafficMinute } from '../../models/watch/endpoint-minute.js'
import { judgeRound, type Round, type WatchDetector } from '../../models/watch/judge-round.js'
import { beginWatch, type WatchStates } from '../../models/watch/series-state.js'
import { assembleWatch, withEndpoints, type WatchModel } from '../../models/watch/watch-model.js'
import { quantile } from '../../models/statistics/quantile.js'
import { fitOurs, type Fitted } from '../detection/contenders.js'
import type { Row } from '../detection/minutes.js'
import { drawGateway, type DrawnEndpoint, type GatewayOptions, type WatchedGateway } from './gateway.js'
import { threadCpuSeconds } from './thread-cpu.js'
import { scoreIncidents, type FoundIncident, type ScoredGateway } from './score.js'

const MINUTE_MS = 60_000
/** False alarms a week. */
const ALARM_BUDGET = 0.5

const USUAL_SLICE = 0.999

const OPTIONS = { contamination: 0.1, anomalyThreshold: -0.5, seed: 1 }

/** What judging a gateway cost, in seconds of CPU of its thread. */
export interface Costs {
  readonly fitPerEndpoint: number
  readonly calibrate: number
  readonly round: number
  /** The slice that is longer than all but one in a thousand, and the longest one. */
  readonly usualSlice: number
  readonly longestSlice: number
}

export type GatewayResult = ScoredGateway & {
  readonly options: JudgeOptions
  readonly costs: Costs
}

export interface JudgeOptions extends GatewayOptions {
  /** The history is judged by the model that has learned it, instead of what follows. */
  readonly isScan: boolean
}

/** Draws a gateway, fits it to its history and watches what follows, or scans the history. */
export function judgeGateway(options: JudgeOptions): GatewayResult {
  const drawn = drawGateway(options)
  const { detector, costs } = fitWatch(drawn, fitGateway(drawn))
  const range = options.isScan ? { from: 0, to: drawn.historyMinutes } : { from: drawn.historyMinutes }
  const { found, ...watched } = watch(drawn, detector, range)
  return { ...scoreIncidents(drawn, found, options.isScan), options, costs: { ...costs, ...watched } }
}

/** Minutes that are judged, up to the last one when there is no end. */
interface MinuteRange {
  readonly from: number
  readonly to?: number
}

/** The model of the gateway as a whole. */
function fitGateway({ gateway, historyMinutes }: WatchedGateway): Fitted {
  return fitOurs(gateway.slice(0, historyMinutes))
}

function fitWatch(
  drawn: WatchedGateway,
  { model: gateway, score }: Fitted,
): {
  detector: WatchDetector
  costs: Pick<Costs, 'fitPerEndpoint' | 'calibrate'>
} {
  const start = threadCpuSeconds()
  const fits = fitEndpoints(drawn, gateway, drawn.historyMinutes, () => true)
  const fitted = secondsSince(start)
  const assembled = assembleWatch(gateway, fits, OPTIONS)
  const engine = createKernelEngine(assembled.forest)
  const scores = { gateway: score, endpoints: (matrix: Float64Array) => engine.score(matrix) }
  const watchModel = calibrated(drawn, assembled, scores.endpoints)
  return {
    detector: { version: '1', watch: watchModel, scores, effects: DEFAULT_EFFECTS, calendar: [] },
    costs: { fitPerEndpoint: fitted / Math.max(1, fits.length), calibrate: secondsSince(start) - fitted },
  }
}

function calibrated(drawn: WatchedGateway, watch: WatchModel, score: ScoreRows): WatchModel {
  const known = drawn.gateway.slice(0, drawn.historyMinutes).map(({ timestampMs }) => timestampMs)
  const clock = clockOf(watch.gateway, known)
  const replayed = endpointsToReplay(watch).map((endpoint) => {
    const history = drawn.endpoints.find((each) => each.endpoint === endpoint)!
    return replayEndpoint(watch, clock, history, DEFAULT_EFFECTS, score)
  })
  return calibrateWatch(watch, replayed, ALARM_BUDGET)
}

/** Fits endpoints to the first minutes. */
function fitEndpoints(
  { gateway: rows, endpoints }: WatchedGateway,
  gateway: AnomalyModel,
  nMinutes: number,
  isChosen: (history: DrawnEndpoint) => boolean,
): EndpointFit[] {
  const known = rows.slice(0, nMinutes).map(({ timestampMs }) => timestampMs)
  const clock = clockOf(gateway, known)
  const endMs = known.at(-1)! + MINUTE_MS
  return endpoints
    .filter((history) => history.firstSeenMs < endMs && isChosen(history))
    .map((history) => fitEndpoint(clock, history))
}

/** Minutes after which young endpoints are fitted again, and the age up to which they are young. */
const REFIT_MINUTES = 360
const YOUNG_MS = 7 * 1440 * MINUTE_MS

function refitYoung(drawn: WatchedGateway, detector: WatchDetector, round: number): WatchDetector {
  const nowMs = drawn.gateway[drawn.historyMinutes + round]!.timestampMs
  const isYoung = ({ firstSeenMs }: DrawnEndpoint) => nowMs - firstSeenMs < YOUNG_MS
  const fits = fitEndpoints(drawn, detector.watch.gateway, drawn.historyMinutes + round, isYoung)
  return { ...detector, watch: withEndpoints(detector.watch, fits) }
}

function watch(
  drawn: WatchedGateway,
  fitted: WatchDetector,
  range: MinuteRange,
): Pick<Costs, 'round' | 'usualSlice' | 'longestSlice'> & { readonly found: FoundIncident[] } {
  const found = new Map<number, FoundIncident>()
  let detector = fitted
  let states: WatchStates = beginWatch(knowsTheDay(fitted.watch.gateway))
  let book: BookState = EMPTY_BOOK
  const rounds = roundsOf(drawn, range)
  const slices: number[] = []
  let seconds = 0
  rounds.forEach((round, i) => {
    if (i > 0 && i % REFIT_MINUTES === 0 && range.from > 0) detector = refitYoung(drawn, detector, i)
    const start = threadCpuSeconds()
    const steps = judgeRound(states, round, detector)
    let step: ReturnType<typeof steps.next>
    do {
      const from = threadCpuSeconds()
      step = steps.next()
      slices.push(threadCpuSeconds() - from)
    } while (step.done !== true)
    states = step.value.states
    const { state, changes } = recordRound(book, step.value.minutes)
    book = state
    seconds += secondsSince(start)
    for (const incident of [...changes.opened, ...changes.updated, ...changes.ended]) {
      const openedMs = found.get(incident.number)?.openedMs ?? round.timeMs
      found.set(incident.number, { incident, openedMs })
    }
  })
  return {
    found: [...found.values()],
    round: seconds / rounds.length,
    usualSlice: quantile(slices, USUAL_SLICE),
    longestSlice: slices.reduce((a, b) => Math.max(a, b), 0),
  }
}

/** The minutes after the history, with what each endpoint had in them. */
function roundsOf({ gateway, endpoints }: WatchedGateway, { from, to }: MinuteRange): Round[] {
  const rows = gateway.slice(from, to)
  const startMs = rows[0]!.timestampMs
  const seen = rows.map((): EndpointMinute[] => [])
  for (const history of endpoints) {
    history.timesMs.forEach((timeMs, row) => {
      seen[Math.round((timeMs - startMs) / MINUTE_MS)]?.push(minuteOf(history, row))
    })
  }
  return rows.map((row, i) => ({ timeMs: row.timestampMs, gateway: trafficOf(row), endpoints: seen[i]! }))
}

function minuteOf(history: DrawnEndpoint, row: number): EndpointMinute {
  return {
    endpoint: history.endpoint,
    requests: history.requests[row]!,
    failed: history.failed[row]!,
    avgMs: history.avgMs[row]!,
    p95Ms: history.p95Ms[row]!,
    p99Ms: history.p99Ms[row]!,
  }
}

function trafficOf(row: Row): TrafficMinute {
  const requests = row.requests_per_second * 60
  return {
    requests,
    failed: requests * row.error_rate,
    avgMs: row.avg_latency_ms,
    p95Ms: row.p95_latency_ms,
    p99Ms: row.p99_latency_ms,
  }
}

function secondsSince(start: number): number {
  return threadCpuSeconds() - start
}
