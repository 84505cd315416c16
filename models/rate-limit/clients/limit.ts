import { quantileSorted } from '../../statistics/quantile.js'
import type { Interval } from '../../statistics/bootstrap-interval.js'
import type { ClientHours } from './activity.js'
import { burstAt, type ClientCurves } from './burst.js'
import { groupByClient, type ClientTable } from './table.js'
import { confidence } from '../confidence.js'
import { dailyMovement } from '../daily-movement.js'
import { harmLevel } from './harm-level.js'
import { clientPeaks, dailyQuantiles, type ClientPeaks } from './peaks.js'
import type { MinuteRange } from '../minute-ranges.js'
import { requestsOf, wellBehaved } from './well-behaved.js'

/** What a limit of clients is learnt from: one endpoint's clients. */
export interface ClientTraffic {
  readonly hours: ClientHours
  /** From the same requests. */
  readonly curves: ClientCurves
  /** Incidents and minutes to be left out. Of the hours they touch nothing counts. */
  readonly excluded: readonly MinuteRange[]
  readonly seed: number
}

/** A second limit over a longer time. */
export interface LongWindow {
  readonly seconds: number
  readonly limit: number
}

/** The limit of one client, before tier and strategy; see {@link fitClientLimit}. */
export interface ClientLimit {
  /** Requests a minute, whole. */
  readonly limit: number
  readonly longWindow: LongWindow | null
  /** The burst that clients need at a rate (requests a minute), whole. */
  readonly burstAt: (limit: number) => number
  readonly confidence: number
  readonly interval: Interval
  /** Of the clients' own peak minutes, all clients. */
  readonly peakMinutes: { readonly p50: number; readonly p90: number; readonly p99: number }
  /** The busiest minute and hour of any client that behaves. */
  readonly busiestMinute: number
  readonly busiestHour: number
  readonly clients: number
  /** Clients that were left out in part or whole, by index, the first ten. */
  readonly runaways: readonly number[]
  readonly nRunaways: number
  /** Their share of the requests, 0…1. */
  readonly leftOut: number
  /** Clients that stand apart like runaways but belong; see {@link wellBehaved}. */
  readonly nCustomers: number
  readonly days: number
  readonly requests: number
}

/** Less by the hour: a scraper is three times the busiest client, a flood twenty. */
const HEADROOM = { minute: 1.15, hour: 1.1, burst: 1.15 }
const BUDGET = {
  minute: { clients: 0.005, requests: 1e-4 },
  hour: { clients: 0.0025, requests: 1e-4 },
  burst: { clients: 0.005, requests: 1e-4 },
}
const LEAST = 5
/** An hour lets through so many busy minutes at least: people come twice. */
const LEAST_HOUR = 1.5
/** Of fewer clients the busiest hour says little about the next client's. */
const FEWEST_BY_HOUR = 20
const HOUR_SECONDS = 3600
const RUNAWAYS_NAMED = 10

/**
 * The limit of one client of an endpoint, from what each of its clients does at its busiest.
 *
 * First floods and scrapers are left out ({@link wellBehaved}). Then the limit is the lowest that keeps within a budget
 * of harm to all others ({@link harmLevel}), with 15 % to spare; the same by the hour makes the long window, where an
 * hour at the limit would be more than twice of what anyone does. The burst comes from the arrival curves of those who
 * behave. Everything is deterministic; O(n log n) in rows.
 *
 * A program that keeps an even pace looks the same whether it scrapes or serves a customer: in a crowd it is left out,
 * and `leftOut` says how much that was. A scraper that follows the crowd's hours is trusted as a shared address is, and
 * seen only by the busiest hour.
 *
 * @returns null when there are no rows outside the excluded minutes
 */
export function fitClientLimit(traffic: ClientTraffic): ClientLimit | null {
  const table = groupByClient(traffic.hours, traffic.excluded)
  if (table.clients.length === 0) return null
  const { rows } = table
  const { honest, nCustomers } = wellBehaved(table)
  const minutes = clientPeaks(table, rows.busiestMinute, honest)
  const hours = clientPeaks(table, rows.requests, honest)
  const limit = round(HEADROOM.minute * levelOf(minutes, BUDGET.minute), 2)
  const hourLimit = Math.max(
    Math.ceil(LEAST_HOUR * limit),
    round(HEADROOM.hour * levelOf(hours, BUDGET.hour), 3),
  )
  const interval = dailyMovement(
    dailyQuantiles(table, minutes, 1 - BUDGET.minute.clients),
    limit,
    traffic.seed,
  )
  const runaways = runawaysOf(table, honest)
  const { requests } = minutes
  const kept = requests / requestsOf(table, new Uint8Array(rows.length).fill(1))
  const days = table.days.length
  const isTelling = hourLimit < (limit * 60) / 2 && days > 1 && minutes.peaks.length >= FEWEST_BY_HOUR
  return {
    limit,
    longWindow: isTelling ? { seconds: HOUR_SECONDS, limit: hourLimit } : null,
    burstAt: burstsOf(traffic, minutes, runaways),
    confidence: confidence({ requests, days, clients: minutes.peaks.length, interval, limit, kept }),
    interval,
    peakMinutes: distribution(table),
    busiestMinute: highest(minutes.peaks),
    busiestHour: highest(hours.peaks),
    clients: table.clients.length,
    runaways: runaways.slice(0, RUNAWAYS_NAMED),
    nRunaways: runaways.length,
    leftOut: 1 - kept,
    nCustomers,
    days,
    requests,
  }
}

function highest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0)
}

function levelOf(peaks: ClientPeaks, budget: { clients: number; requests: number }): number {
  return harmLevel(peaks.peaks, peaks.loads, peaks.requests, budget)
}

/** Whole, and with so many digits where there are more: a coarser grid would move a limit by a quarter when the traffic moves by a hundredth. */
function round(value: number, digits: number): number {
  return Math.max(LEAST, value < 10 ** digits ? Math.ceil(value) : Number(value.toPrecision(digits)))
}

function burstsOf(
  { curves }: ClientTraffic,
  minutes: ClientPeaks,
  runaways: readonly number[],
): (limit: number) => number {
  const left = new Set(runaways)
  const kept = [...minutes.clients.keys()].filter((i) => !left.has(minutes.clients[i]!))
  const of = {
    clients: kept.map((i) => minutes.clients[i]!),
    peaks: kept.map((i) => minutes.peaks[i]!),
    activeDays: kept.map((i) => minutes.activeDays[i]!),
    requests: minutes.requests,
  }
  return (limit) => {
    const depth = kept.length > 0 ? burstAt(curves, of, limit, BUDGET.burst) : 0
    return Math.max(LEAST, Math.ceil(HEADROOM.burst * depth))
  }
}

function runawaysOf(table: ClientTable, honest: Uint8Array): number[] {
  return [...table.clients].filter((_, i) =>
    table.order.subarray(table.starts[i], table.starts[i + 1]).some((row) => honest[row] === 0),
  )
}

function distribution(table: ClientTable): ClientLimit['peakMinutes'] {
  const all = new Uint8Array(table.rows.length).fill(1)
  const sorted = Float64Array.from(clientPeaks(table, table.rows.busiestMinute, all).peaks).sort()
  return {
    p50: quantileSorted(sorted, 0.5),
    p90: quantileSorted(sorted, 0.9),
    p99: quantileSorted(sorted, 0.99),
  }
}
