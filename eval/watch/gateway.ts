import { createRandom, type Random } from '../../models/statistics/random.js'
import type { EndpointHistory } from '../../models/watch/history.js'
import { changed, type Change } from '../detection/change.js'
import { DAY, WEEK } from '../detection/gateways/gateway.js'
import { drawRow, type Condition, type Row } from '../detection/minutes.js'
import { normalCdf } from '../detection/normal.js'
import { drawEndpoint, drawWander, type TrueEndpoint } from './endpoint.js'
import { drawEndpointIncidents, drawGatewayIncident, type TrueIncident } from './incidents.js'

/** A simulated gateway: its minutes and those of its endpoints, and what is true of it. */
export interface WatchedGateway {
  /** Minute 0 of the incidents, a Monday, 00:00. */
  readonly mondayMs: number
  readonly endpoints: readonly DrawnEndpoint[]
  /** Of the whole gateway; history and what is judged. */
  readonly gateway: readonly Row[]
  readonly historyMinutes: number
  readonly incidents: readonly TrueIncident[]
  readonly outage: Change
}

/** An endpoint with its minutes, those without requests left out. */
export type DrawnEndpoint = EndpointHistory

const MINUTE_MS = 60_000
const HISTORY = 2 * WEEK
const MONDAY_MS = Date.UTC(2026, 0, 5)

export interface GatewayOptions {
  readonly nEndpoints: number
  readonly seed: number
  /** Days that are judged. */
  readonly days: number
}

/** Incidents a day, in what is judged and in the history. */
const PER_DAY = { judged: 8 / 7, history: 3 / 7 }

export function drawGateway({ nEndpoints, seed, days }: GatewayOptions): WatchedGateway {
  const random = createRandom(seed)
  const from = random.integer(7) * DAY + random.integer(DAY)
  const judged = from + HISTORY
  const to = judged + days * DAY
  const common = drawWander(random, to - from, 0.02, 2)
  const endpoints = Array.from({ length: nEndpoints }, (_, i) => {
    const begins = beginning(random, i, { from, judged, days })
    return drawEndpoint(random, i, { from, to, begins, judged }, common)
  })
  const past = drawEndpointIncidents(random, endpoints, {
    from,
    to: judged,
    count: Math.round(PER_DAY.history * 14),
  })
  const incidents = drawEndpointIncidents(random, endpoints, {
    from: judged,
    to: to - DAY / 2,
    count: Math.max(1, Math.round(PER_DAY.judged * days)),
  })
  const outage = drawGatewayIncident(random, to - DAY / 2 + 120, to - 120)
  const drawn = drawMinutes(random, endpoints, [...past, ...incidents], outage, from, to)
  return { ...drawn, mondayMs: MONDAY_MS, historyMinutes: HISTORY, incidents, outage }
}

/** A few endpoints are new: one in the last days of the history, one in what is judged. */
function beginning(
  random: Random,
  index: number,
  { from, judged, days }: { readonly from: number; readonly judged: number; readonly days: number },
): number {
  if (index % 15 === 7) return judged - 60 - random.integer(2 * DAY)
  if (index % 15 === 13) return judged + random.integer(Math.ceil((days * DAY) / 2))
  return from
}

interface Part {
  readonly endpoint: TrueEndpoint
  readonly changes: readonly TrueIncident[]
  readonly columns: Record<'timesMs' | 'requests' | 'failed' | 'avgMs' | 'p95Ms' | 'p99Ms', number[]>
}

function drawMinutes(
  random: Random,
  endpoints: readonly TrueEndpoint[],
  incidents: readonly TrueIncident[],
  outage: Change,
  from: number,
  to: number,
): Pick<WatchedGateway, 'endpoints' | 'gateway'> {
  const parts: Part[] = endpoints.map((endpoint) => ({
    endpoint,
    changes: incidents.filter((incident) => incident.endpoint === endpoint.name),
    columns: { timesMs: [], requests: [], failed: [], avgMs: [], p95Ms: [], p99Ms: [] },
  }))
  const gateway: Row[] = []
  for (let minute = from; minute < to; minute++) {
    const timeMs = MONDAY_MS + minute * MINUTE_MS
    const seen: Seen[] = []
    for (const { endpoint, changes, columns } of parts) {
      if (minute < endpoint.begins) continue
      const usual = endpoint.usual(minute)
      const own = changes.reduce((condition, change) => changed(condition, change, minute), usual)
      const condition = changed(own, outage, minute)
      const row = drawRow(random, condition, endpoint.dispersion, timeMs)
      const requests = Math.round(row.requests_per_second * 60)
      if (requests === 0) continue
      seen.push({ condition, sigma: endpoint.sigma, row, requests })
      columns.timesMs.push(timeMs)
      columns.requests.push(requests)
      columns.failed.push(Math.round(row.error_rate * requests))
      columns.avgMs.push(row.avg_latency_ms)
      columns.p95Ms.push(row.p95_latency_ms)
      columns.p99Ms.push(row.p99_latency_ms)
    }
    gateway.push(together(timeMs, seen))
  }
  return { gateway, endpoints: parts.map(historyOf) }
}

function historyOf({ endpoint, columns }: Part): DrawnEndpoint {
  return {
    endpoint: endpoint.name,
    firstSeenMs: columns.timesMs[0] ?? MONDAY_MS,
    timesMs: Float64Array.from(columns.timesMs),
    requests: Float64Array.from(columns.requests),
    failed: Float64Array.from(columns.failed),
    avgMs: Float64Array.from(columns.avgMs),
    p95Ms: Float64Array.from(columns.p95Ms),
    p99Ms: Float64Array.from(columns.p99Ms),
  }
}

interface Seen {
  readonly condition: Condition
  readonly sigma: number
  readonly row: Row
  readonly requests: number
}

/** The minute of all endpoints. Its percentiles are those of the mixture of their distributions. */
function together(timestampMs: number, seen: readonly Seen[]): Row {
  const n = seen.reduce((sum, { requests }) => sum + requests, 0)
  if (n === 0) {
    return { ...NOTHING, timestampMs }
  }
  const mean = (of: (row: Row) => number) =>
    seen.reduce((sum, { row, requests }) => sum + (requests / n) * of(row), 0)
  return {
    timestampMs,
    requests_per_second: n / 60,
    avg_latency_ms: mean((row) => row.avg_latency_ms),
    p95_latency_ms: mixtureQuantile(seen, n, 0.95),
    p99_latency_ms: mixtureQuantile(seen, n, 0.99),
    error_rate: mean((row) => row.error_rate),
  }
}

const NOTHING = {
  requests_per_second: 0,
  avg_latency_ms: 0,
  p95_latency_ms: 0,
  p99_latency_ms: 0,
  error_rate: 0,
}
const BISECTIONS = 16

function mixtureQuantile(seen: readonly Seen[], n: number, p: number): number {
  let [low, high] = [0, 14]
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (low + high) / 2
    let below = 0
    for (const { condition, sigma, requests } of seen) {
      below += requests * normalCdf((middle - Math.log(condition.medianMs)) / sigma)
    }
    if (below < p * n) low = middle
    else high = middle
  }
  return Math.exp((low + high) / 2)
}
