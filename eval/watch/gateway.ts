import { createRandom, type Random } from '../../models/statistics/random.js'
import type { EndpointHistory } from '../../models/watch/history.js'
import { changed, NO_CHANGE, type Change } from '../detection/change.js'
import { DAY, WEEK } from '../detection/gateways/gateway.js'
import { drawRow, type Row } from '../detection/minutes.js'
import { drawEndpoint, drawWander, type TrueEndpoint } from './endpoint.js'
import { between } from '../detection/draws.js'
import { changeOf, drawEndpointIncidents, drawGatewayIncident, type TrueIncident } from './incidents.js'
import { mixtureQuantile, type MixturePart } from './mixture.js'
import { MAKES, type Make, type MakeName } from './makes.js'

/** A simulated gateway: its minutes and those of its endpoints, and what is true of it. */
export interface WatchedGateway {
  /** Minute 0 of the incidents, a Monday, 00:00. */
  readonly mondayMs: number
  readonly endpoints: readonly DrawnEndpoint[]
  /** Of the whole gateway; history and what is judged. */
  readonly gateway: readonly Row[]
  readonly historyMinutes: number
  /** In the history, and in what is judged. */
  readonly past: readonly TrueIncident[]
  readonly incidents: readonly TrueIncident[]
  /** Of the whole gateway; it takes no time when there is none. */
  readonly outage: Change
}

/** An endpoint with its minutes, those without requests left out. */
export type DrawnEndpoint = EndpointHistory

const MINUTE_MS = 60_000
const MONDAY_MS = Date.UTC(2026, 0, 5)

export interface GatewayOptions {
  readonly nEndpoints: number
  readonly seed: number
  /** Days that are judged. */
  readonly days: number
  readonly make: MakeName
  /** Minutes of history: two weeks, or hours of a new installation, which is judged for hours. */
  readonly historyMinutes: number
}

/** Incidents a day, in what is judged and in the history. */
const PER_DAY = { judged: 8 / 7, history: 3 / 7 }

export function drawGateway(options: GatewayOptions): WatchedGateway {
  const { nEndpoints, seed, days, historyMinutes } = options
  const make: Make = MAKES[options.make]
  const random = createRandom(seed)
  const from = random.integer(7) * DAY + random.integer(DAY)
  const judged = from + historyMinutes
  const to = judged + Math.round(days * DAY)
  const span = { from, judged, to }
  const common = drawCommon(random, span, make)
  const endpoints = Array.from({ length: nEndpoints }, (_, i) => {
    const begins = isShort(options) ? from : beginning(random, i, { from, judged, days })
    return drawEndpoint(random, i, { from, to, begins, judged }, common, make)
  })
  const drawn = isShort(options)
    ? drawFirstIncidents(random, endpoints, span, make)
    : drawIncidents(random, endpoints, span, make)
  const { past, incidents, outage } = drawn
  const minutes = drawMinutes(random, endpoints, [...past, ...incidents], outage, from, to)
  return { ...minutes, ...drawn, mondayMs: MONDAY_MS, historyMinutes }
}

/** Whether it is about the first hours of an installation. */
function isShort({ historyMinutes }: GatewayOptions): boolean {
  return historyMinutes < DAY
}

interface Span {
  readonly from: number
  readonly judged: number
  readonly to: number
}

type Incidents = Pick<WatchedGateway, 'past' | 'incidents' | 'outage'>

function drawIncidents(
  random: Random,
  endpoints: readonly TrueEndpoint[],
  { from, judged, to }: Span,
  make: Make,
): Incidents {
  const countOf = (perDay: number, minutes: number) => Math.max(1, Math.round((perDay * minutes) / DAY))
  const inPast = { from, to: judged, count: countOf(PER_DAY.history, judged - from) }
  const after = { from: judged, to: to - DAY / 2, count: countOf(PER_DAY.judged, to - judged) }
  return {
    past: drawEndpointIncidents(random, endpoints, inPast, make),
    incidents: drawEndpointIncidents(random, endpoints, after, make),
    outage: drawGatewayIncident(random, to - DAY / 2 + 120, to - 120, make),
  }
}

const NO_OUTAGE: Change = { ...NO_CHANGE, name: 'none', start: 0, end: 0 }

/** Of the first hours of an installation: ten minutes each, nothing before. */
function drawFirstIncidents(
  random: Random,
  endpoints: readonly TrueEndpoint[],
  { judged, to }: Span,
  make: Make,
): Incidents {
  const times = { from: judged, to, count: 2, minutes: 10, apart: 20 }
  return { past: [], incidents: drawEndpointIncidents(random, endpoints, times, make), outage: NO_OUTAGE }
}

/** What all endpoints share: a level that wanders, growth, and holidays. */
function drawCommon(random: Random, { from, judged, to }: Span, make: Make): (minute: number) => number {
  const wander = drawWander(random, to - from, make.together, 2)
  if (make.growth[1] === 0 && make.holiday === 1) return wander
  const growth = between(random, ...make.growth)
  const holidays = [judged - 5 * DAY, judged + 3 * DAY].map((at) => Math.floor(at / DAY))
  return (minute) => {
    const factor = holidays.includes(Math.floor((from + minute) / DAY)) ? make.holiday : 1
    return factor * wander(minute) * (1 + growth) ** (minute / WEEK)
  }
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
  readonly changes: readonly Change[]
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
    changes: incidents.flatMap((incident) => changeOf(incident, endpoint.name) ?? []),
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
      seen.push({ shape: condition.shape, logMedian: Math.log(condition.medianMs), row, requests })
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

interface Seen extends MixturePart {
  readonly row: Row
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
