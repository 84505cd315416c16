import { quantileSorted } from '../../statistics/quantile.js'
import type { Interval } from '../../statistics/bootstrap-interval.js'
import type { ClientHours } from './activity.js'
import { burstAt, type ClientCurves } from './burst.js'
import { groupByClient, requestsOf, rowsOfClient, type ClientTable } from './table.js'
import { confidence } from '../confidence.js'
import { dailyMovement } from '../daily-movement.js'
import { harmLevel } from './harm-level.js'
import { clientPeaks, dailyQuantiles, type ClientPeaks } from './peaks.js'
import { findLegitimateRows } from './legitimate-rows.js'
import type { MinuteRange } from '../minute-ranges.js'
import type { LongWindow, PeakMinutes } from '../recommendation.js'

/** What a limit of clients is learnt from: one endpoint's clients. */
export interface ClientTraffic {
  readonly hours: ClientHours
  /** From the same requests. */
  readonly curves: ClientCurves
  /** Incidents and minutes to be left out. Of the hours they touch nothing counts. */
  readonly excluded: readonly MinuteRange[]
  readonly seed: number
}

/** The limit of one client, before tier and strategy, and what it rests on; see {@link fitClientLimit}. */
export interface ClientLimitFacts {
  /** Requests a minute, whole. */
  readonly limit: number
  readonly longWindow: LongWindow | null
  /** 0…1; see {@link confidence}. */
  readonly confidence: number
  readonly interval: Interval
  /** Of all clients, runaways too. */
  readonly peakMinutes: PeakMinutes
  /** The busiest minute and hour of any legitimate client, in requests. */
  readonly busiestMinute: number
  readonly busiestHour: number
  readonly clients: number
  /** Clients that were left out in part or as a whole. */
  readonly nRunaways: number
  /** Their share of the requests, 0…1. */
  readonly leftOut: number
  /** Clients that stand apart as runaways do but belong; see {@link findLegitimateRows}. */
  readonly nCustomers: number
  readonly days: number
  /** Of legitimate clients. */
  readonly requests: number
}

interface ClientLimit extends ClientLimitFacts {
  /** The burst that clients need at a limit (requests a minute), whole. */
  readonly burstAt: (limit: number) => number
  /** Clients that were left out in part or as a whole, by index, the first ten. */
  readonly runaways: readonly number[]
}

/** Less by the hour: a scraper has three times the requests of the busiest client, a flood twenty times. */
const HEADROOM = { minute: 1.15, hour: 1.1, burst: 1.15 }
const BUDGET = {
  minute: { clients: 0.005, requests: 1e-4 },
  hour: { clients: 0.0025, requests: 1e-4 },
  burst: { clients: 0.005, requests: 1e-4 },
}
const MIN_LIMIT = 5
/** An hour allows at least so many busy minutes: people come twice. */
const MIN_BUSY_MINUTES_PER_HOUR = 1.5
/** With fewer clients, their busiest hour is little evidence of the next client's. */
const MIN_CLIENTS_BY_HOUR = 20
const MINUTES_PER_HOUR = 60
const HOUR_SECONDS = 3600
const RUNAWAYS_NAMED = 10

/**
 * The limit of one client of an endpoint, from what each of its clients does at its busiest.
 *
 * First, floods and scrapers are left out ({@link findLegitimateRows}). The limit is then the lowest that keeps within
 * a budget of harm to all others ({@link harmLevel}), with 15 % to spare. The same by the hour gives the long window,
 * where an hour at the limit would be more than twice what anyone does. The burst comes from the arrival curves of the
 * legitimate clients. Deterministic; O(n log n) in rows.
 *
 * A program that keeps an even pace looks the same whether it scrapes or serves a customer: in a crowd it is left out,
 * and `leftOut` is its share of the requests. A scraper that follows the crowd's hours is trusted as a shared address
 * is, and only the busiest hour limits it.
 *
 * @returns null when there are no rows outside the excluded minutes
 */
export function fitClientLimit(traffic: ClientTraffic): ClientLimit | null {
  const table = groupByClient(traffic.hours, traffic.excluded)
  if (table.clients.length === 0) return null
  const { rows } = table
  const { legitimate, nCustomers } = findLegitimateRows(table)
  const minutes = clientPeaks(table, rows.busiestMinute, legitimate)
  const hours = clientPeaks(table, rows.requests, legitimate)
  const limit = round(HEADROOM.minute * levelOf(minutes, BUDGET.minute), 2)
  const interval = dailyMovement(
    dailyQuantiles(table, minutes, 1 - BUDGET.minute.clients),
    limit,
    traffic.seed,
  )
  const runaways = runawaysOf(table, legitimate)
  const { requests } = minutes
  const kept = requests / requestsOf(table, new Uint8Array(rows.length).fill(1))
  const days = table.days.length
  return {
    limit,
    longWindow: days > 1 ? hourWindow(limit, hours) : null,
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

/** Null where it would hardly restrict who keeps the limit per minute, or where too few clients are known. */
function hourWindow(limit: number, hours: ClientPeaks): LongWindow | null {
  const level = round(HEADROOM.hour * levelOf(hours, BUDGET.hour), 3)
  const hourLimit = Math.max(Math.ceil(MIN_BUSY_MINUTES_PER_HOUR * limit), level)
  const restricts = hourLimit < (limit * MINUTES_PER_HOUR) / 2
  const isKnown = hours.peaks.length >= MIN_CLIENTS_BY_HOUR
  return restricts && isKnown ? { seconds: HOUR_SECONDS, limit: hourLimit } : null
}

function highest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0)
}

function levelOf(peaks: ClientPeaks, budget: { clients: number; requests: number }): number {
  return harmLevel(peaks.peaks, peaks.loads, peaks.requests, budget)
}

/**
 * Rounded up to a whole number, or to so many digits where it has more. A coarser grid would move a limit by a quarter
 * when the traffic moves by a hundredth.
 */
function round(value: number, digits: number): number {
  return Math.max(MIN_LIMIT, value < 10 ** digits ? Math.ceil(value) : Number(value.toPrecision(digits)))
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
    return Math.max(MIN_LIMIT, Math.ceil(HEADROOM.burst * depth))
  }
}

function runawaysOf(table: ClientTable, legitimate: Uint8Array): number[] {
  return [...table.clients].filter((_, i) => rowsOfClient(table, i).some((row) => legitimate[row] === 0))
}

function distribution(table: ClientTable): PeakMinutes {
  const all = new Uint8Array(table.rows.length).fill(1)
  const sorted = Float64Array.from(clientPeaks(table, table.rows.busiestMinute, all).peaks).sort()
  return {
    p50: quantileSorted(sorted, 0.5),
    p90: quantileSorted(sorted, 0.9),
    p99: quantileSorted(sorted, 0.99),
  }
}
