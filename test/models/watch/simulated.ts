import { binomial, poisson } from '../../../eval/detection/draws.js'
import { DEFAULT_EFFECTS } from '../../../models/anomaly/effects.js'
import { fitAnomalyModel, type AnomalyModel } from '../../../models/anomaly/model.js'
import { createKernelEngine } from '../../../models/scoring/kernel-engine.js'
import { createRandom } from '../../../models/statistics/random.js'
import { clockOf, type Clock } from '../../../models/watch/clock.js'
import type { EndpointMinute, TrafficMinute } from '../../../models/watch/endpoint-minute.js'
import type { EndpointHistory } from '../../../models/watch/history.js'
import type { Round, WatchDetector } from '../../../models/watch/judge-round.js'
import type { WatchModel } from '../../../models/watch/watch-model.js'

export const MINUTE_MS = 60_000
export const DAY = 1440

/** A Monday. */
export const START_MS = Date.UTC(2026, 0, 5)

export interface SimulatedEndpoint {
  readonly name: string
  /** Requests a minute. */
  readonly rate: (minute: number) => number
  readonly latencyMs?: (minute: number) => number
  readonly errors?: (minute: number) => number
  /** Its first minute. */
  readonly begins?: number
}

export interface Simulated {
  readonly rounds: readonly Round[]
  readonly histories: readonly EndpointHistory[]
}

/** Poisson counts, binomial failures, and latencies that scatter with the number of requests. */
export function simulate(endpoints: readonly SimulatedEndpoint[], minutes: number, seed = 1): Simulated {
  const random = createRandom(seed)
  const rounds: Round[] = []
  const rows = endpoints.map((): (EndpointMinute & { timeMs: number })[] => [])
  for (let minute = 0; minute < minutes; minute++) {
    const timeMs = START_MS + minute * MINUTE_MS
    const seen: EndpointMinute[] = []
    endpoints.forEach(({ name, rate, latencyMs = () => 50, errors = () => 0.01, begins = 0 }, i) => {
      const requests = minute < begins ? 0 : poisson(random, rate(minute))
      if (requests === 0) return
      const ms = latencyMs(minute) * Math.exp((0.5 * random.normal()) / Math.sqrt(requests))
      const failed = binomial(random, requests, errors(minute))
      const row = { endpoint: name, requests, failed, avgMs: ms, p95Ms: 2 * ms, p99Ms: 3 * ms }
      seen.push(row)
      rows[i]!.push({ ...row, timeMs })
    })
    rounds.push({ timeMs, gateway: sumOf(seen), endpoints: seen })
  }
  const column = (i: number, of: (row: EndpointMinute & { timeMs: number }) => number) =>
    Float64Array.from(rows[i]!, of)
  const histories = endpoints.map(({ name }, i) => ({
    endpoint: name,
    firstSeenMs: rows[i]![0]?.timeMs ?? START_MS,
    timesMs: column(i, ({ timeMs }) => timeMs),
    requests: column(i, ({ requests }) => requests),
    failed: column(i, ({ failed }) => failed),
    avgMs: column(i, ({ avgMs }) => avgMs),
    p95Ms: column(i, ({ p95Ms }) => p95Ms),
    p99Ms: column(i, ({ p99Ms }) => p99Ms),
  }))
  return { rounds, histories }
}

function sumOf(seen: readonly EndpointMinute[]): TrafficMinute {
  const requests = seen.reduce((sum, row) => sum + row.requests, 0)
  const mean = (of: (row: EndpointMinute) => number) =>
    requests === 0 ? NaN : seen.reduce((sum, row) => sum + (row.requests / requests) * of(row), 0)
  return {
    requests,
    failed: seen.reduce((sum, row) => sum + row.failed, 0),
    avgMs: mean(({ avgMs }) => avgMs),
    p95Ms: mean(({ p95Ms }) => p95Ms),
    p99Ms: mean(({ p99Ms }) => p99Ms),
  }
}

/** The gateway's model of the first minutes, in rows of some minutes: coarser ones are fitted sooner. */
export function gatewayModel({ rounds }: Simulated, minutes: number, rowMinutes = 15): AnomalyModel {
  const known = rounds.slice(0, minutes)
  const samples = known.flatMap(({ gateway: { requests, failed, avgMs, p95Ms, p99Ms } }) => [
    requests / 60,
    ...[avgMs, p95Ms, p99Ms],
    requests > 0 ? failed / requests : 0,
  ])
  const timesMs = Float64Array.from(known, ({ timeMs }) => timeMs)
  return fitAnomalyModel(
    { samples: Float64Array.from(samples), timesMs },
    { contamination: 0.1, anomalyThreshold: -0.5, seed: 1, intervalSeconds: 60 * rowMinutes },
  )
}

export function clockFor(gateway: AnomalyModel, { rounds }: Simulated, minutes: number): Clock {
  return clockOf(
    gateway,
    rounds.slice(0, minutes).map(({ timeMs }) => timeMs),
  )
}

export const OPTIONS = { contamination: 0.1, anomalyThreshold: -0.5, seed: 1 }

export function detectorOf(watch: WatchModel): WatchDetector {
  const [gateway, endpoints] = [watch.gateway.forest, watch.forest].map((forest) => {
    const engine = createKernelEngine(forest)
    return (matrix: Float64Array) => engine.score(matrix)
  }) as [(matrix: Float64Array) => Float64Array, (matrix: Float64Array) => Float64Array]
  return { version: '1', watch, scores: { gateway, endpoints }, effects: DEFAULT_EFFECTS, calendar: [] }
}

/** A curve over the day with its peak at an hour: from a fifth to one. */
export function dayCurve(peakHour: number): (minute: number) => number {
  return (minute) => 0.6 + 0.4 * Math.cos(((minute / 60 - peakHour) / 12) * Math.PI)
}
