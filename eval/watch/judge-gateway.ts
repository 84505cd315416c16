import type { ScoreRows } from '../../models/anomaly/measure.js'
import type { AnomalyModel } from '../../models/anomaly/model.js'
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
import { fitOurs } from '../detection/contenders.js'
import type { Row } from '../detection/minutes.js'
import { drawGateway, type DrawnEndpoint, type GatewayOptions, type WatchedGateway } from './gateway.js'
import { scoreIncidents, type FoundIncident, type ScoredGateway } from './score.js'

const MINUTE_MS = 60_000
/** False alarms a week. */
const ALARM_BUDGET = 0.5

const OPTIONS = { contamination: 0.1, anomalyThreshold: -0.5, seed: 1 }

/** What judging a gateway cost, in seconds on the clock: each thread is meant to have a core of its own. */
export interface Costs {
  readonly fitPerEndpoint: number
  readonly calibrate: number
  readonly round: number
  readonly longestSlice: number
}

export type GatewayResult = ScoredGateway & {
  readonly options: GatewayOptions
  readonly costs: Costs
}

/** Draws a gateway, fits it to its history and watches what follows. */
export function judgeGateway(options: GatewayOptions): GatewayResult {
  const drawn = drawGateway(options)
  const { detector, costs } = fitWatch(drawn)
  const { found, ...watched } = watch(drawn, detector)
  return { ...scoreIncidents(drawn, found), options, costs: { ...costs, ...watched } }
}

function fitWatch(drawn: WatchedGateway): {
  detector: WatchDetector
  costs: Pick<Costs, 'fitPerEndpoint' | 'calibrate'>
} {
  const rows = drawn.gateway.slice(0, drawn.historyMinutes)
  const { model: gateway, score } = fitOurs(rows)
  const start = performance.now()
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
): Pick<Costs, 'round' | 'longestSlice'> & { readonly found: FoundIncident[] } {
  const found = new Map<number, FoundIncident>()
  let detector = fitted
  let states: WatchStates = beginWatch(true)
  let book: BookState = EMPTY_BOOK
  const rounds = roundsOf(drawn)
  let [longestSlice, seconds] = [0, 0]
  rounds.forEach((round, i) => {
    if (i > 0 && i % REFIT_MINUTES === 0) detector = refitYoung(drawn, detector, i)
    const start = performance.now()
    const steps = judgeRound(states, round, detector)
    let step: ReturnType<typeof steps.next>
    do {
      const from = performance.now()
      step = steps.next()
      longestSlice = Math.max(longestSlice, secondsSince(from))
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
  return { found: [...found.values()], round: seconds / rounds.length, longestSlice }
}

/** The minutes after the history, with what each endpoint had in them. */
function roundsOf({ gateway, endpoints, historyMinutes }: WatchedGateway): Round[] {
  const rows = gateway.slice(historyMinutes)
  const startMs = rows[0]!.timestampMs
  const seen = rows.map((): EndpointMinute[] => [])
  for (const history of endpoints) {
    history.timesMs.forEach((timeMs, row) => {
      if (timeMs >= startMs) seen[Math.round((timeMs - startMs) / MINUTE_MS)]!.push(minuteOf(history, row))
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

function secondsSince(startMs: number): number {
  return (performance.now() - startMs) / 1000
}
