import { quantileSorted } from '../../statistics/quantile.js'
import type { Interval } from '../../statistics/bootstrap-interval.js'
import type { ClientHours, PathCounts } from './activity.js'
import { burstAt, type ClientCurves } from './burst.js'
import { crowdRhythm } from './crowd-rhythm.js'
import { groupByClient, rowsOfClient, type ClientTable } from './table.js'
import { confidence } from '../confidence.js'
import { dailyMovement } from '../daily-movement.js'
import { harmLevel, type HarmBudget } from './harm-level.js'
import { clientPeaks, dailyQuantiles, type ClientPeaks } from './peaks.js'
import { findLegitimateRows, withoutRunawayDays } from './legitimate-rows.js'
import { misuseLimits, type MisuseLimits } from './misuse.js'
import type { MinuteRange } from '../minute-ranges.js'
import { findHabits, programNeeds, type FoundProgram } from './programs.js'
import type { LongWindow, PeakMinutes } from '../recommendation.js'
import type { Habit } from './regularity.js'
import { MIN_LIMIT, roundLimit } from './round-limit.js'
import { findSharedAddresses, sharedDayLevel } from './shared-addresses.js'
import { trustedClients } from './trusted-clients.js'
import { dayPeaks, dayWindow, hourWindow } from './windows.js'
import { HOUR_MS } from '../../traffic/durations.js'

/** What a limit of clients is learnt from: the clients of one endpoint, or of the whole gateway. */
export interface ClientTraffic {
  readonly hours: ClientHours
  /** From the same requests. */
  readonly curves: ClientCurves
  /** From the same requests; null where paths are not known. */
  readonly paths?: PathCounts | null
  /** Whether a client is known as a program over the whole gateway. */
  readonly isProgram?: (client: number) => boolean
  /** Whether a client is trusted over the whole gateway; see trustedClients. */
  readonly isTrusted?: (client: number) => boolean
  /** How many limits of this kind there are; together they keep within one budget of clients. 1 if absent. */
  readonly nLimits?: number
  /** Whether shared addresses that stand out get limits of their own, instead of raising that of all. */
  readonly sharedApart?: boolean
  /** Incidents and minutes to be left out. Of the hours they touch nothing counts. */
  readonly excluded: readonly MinuteRange[]
  readonly seed: number
}

/** The limit of one client, before tier and strategy, and what it rests on; see {@link fitClientLimit}. */
export interface ClientLimitFacts {
  /** Requests a minute, whole. */
  readonly limit: number
  readonly longWindow: LongWindow | null
  readonly dayWindow: LongWindow | null
  /** Limits by failures and different paths. */
  readonly misuse: MisuseLimits
  /** 0…1; see {@link confidence}. */
  readonly confidence: number
  readonly interval: Interval
  /** Of all clients, runaways too. */
  readonly peakMinutes: PeakMinutes
  /** The busiest minute and hour of any legitimate client, in requests. */
  readonly busiestMinute: number
  readonly busiestHour: number
  readonly clients: number
  /** Clients that were left out in part or as a whole, without programs. */
  readonly nRunaways: number
  /** Their share of the requests, 0…1. */
  readonly leftOut: number
  /** Clients that stand apart as runaways do but belong; see {@link findLegitimateRows}. */
  readonly nCustomers: number
  readonly days: number
  /** Of legitimate clients. */
  readonly requests: number
  /** When the history ends, milliseconds since 1970, rounded up to an hour. */
  readonly untilMs: number
}

interface ClientLimit extends ClientLimitFacts {
  /** The burst that clients need at a limit (requests a minute), whole. */
  readonly burstAt: (limit: number) => number
  /** Clients that were left out in part or as a whole, by index, the first ten. */
  readonly runaways: readonly number[]
  /** Programs that may need a limit of their own, the busiest first. */
  readonly programs: readonly FoundProgram[]
  /** Clients that follow the crowd, by index. */
  readonly trusted: readonly number[]
}

const HEADROOM = { minute: 1.15, burst: 1.15 }
const BUDGET: HarmBudget = { clients: 0.005, requests: 1e-4 }
/** Of the clients of a day, for the interval. */
const QUANTILE = 0.005
const MINUTES_PER_HOUR = 60
const NONE: ReadonlyMap<number, Habit> = new Map()
const RUNAWAYS_NAMED = 10
const MAX_PROGRAMS = 1000
/** A program that needs more than so many times the limit of the others is a question of capacity: a person decides. */
const MAX_PROGRAM_RATIO = 20

/**
 * The limit of one client of an endpoint, from what each of its clients does at its busiest.
 *
 * First, floods and scrapers are left out ({@link findLegitimateRows}), and so are regular programs, which get limits
 * of their own ({@link findHabits}). The limit is then the lowest that keeps within
 * a budget of harm to all others ({@link harmLevel}), with 15 % to spare. The same by the hour gives the long window,
 * where an hour at the limit would be more than twice what anyone does, and the same by the day. A client meets the
 * limits of many endpoints, so these share the budget of clients (Bonferroni): each leaves more room, the more they are. The burst comes from the arrival curves of the
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
  const paths = traffic.paths ?? null
  const trusted = trustedClients(table, crowdRhythm(table), traffic.isTrusted)
  const habits = findHabits(table, paths, trusted, traffic.isProgram ?? (() => false))
  const shared = traffic.sharedApart === true ? findSharedAddresses(table, paths, trusted, habits) : NONE
  for (const [place, habit] of shared) habits.set(place, habit)
  const { legitimate, nCustomers } = findLegitimateRows(table, trusted, habits)
  const minutes = clientPeaks(table, rows.busiestMinute, legitimate)
  const hours = clientPeaks(table, rows.requests, legitimate)
  const nLimits = traffic.nLimits ?? 1
  const budget = { ...BUDGET, clients: BUDGET.clients / nLimits }
  const level = harmLevel(minutes.peaks, minutes.loads, minutes.requests, budget)
  const limit = roundLimit(HEADROOM.minute * level, 2)
  const interval = dailyMovement(dailyQuantiles(table, minutes, 1 - QUANTILE), limit, traffic.seed)
  const programs = programsOf(table, traffic.curves, habits, limit)
  const known = new Set(programs.map(({ client }) => client))
  const apart = leftOutClients(table, legitimate)
  const runaways = apart.filter((client) => !known.has(client))
  const { requests } = minutes
  const kept = 1 - leftOutShare(table, legitimate, known)
  const days = table.days.length
  const longWindow = days > 1 ? hourWindow(limit, hours, days, nLimits) : null
  const hourLimit = longWindow?.limit ?? limit * MINUTES_PER_HOUR
  return {
    limit,
    longWindow,
    // Where paths are not known, polls cannot be told from a scraper, and most of them lie below the limit of an hour.
    dayWindow:
      paths &&
      dayWindow(
        hourLimit,
        dayPeaks(table, withoutRunawayDays(table, trusted, legitimate)),
        days,
        nLimits,
        sharedDayLevel(table, shared, hourLimit),
      ),
    misuse: misuseLimits(table, trusted, legitimate, paths !== null),
    burstAt: burstsOf(traffic, minutes, apart, budget),
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
    programs,
    trusted: [...table.clients].filter((_, i) => trusted[i] === 1),
    days,
    requests,
    untilMs: (table.order.reduce((last, row) => Math.max(last, rows.hour[row]!), 0) + 1) * HOUR_MS,
  }
}

/** The programs that the limit is within reach of, the busiest first; bounded. */
function programsOf(
  table: ClientTable,
  curves: ClientCurves,
  habits: ReadonlyMap<number, Habit>,
  limit: number,
): FoundProgram[] {
  return [...habits]
    .map(([place, habit]) => programNeeds(table, place, curves, habit))
    .filter((program) => program.busiestMinute <= MAX_PROGRAM_RATIO * limit)
    .sort((a, b) => b.requests - a.requests || a.client - b.client)
    .slice(0, MAX_PROGRAMS)
}

/** The share of the requests of those that were left out, without programs. */
function leftOutShare(table: ClientTable, legitimate: Uint8Array, programs: ReadonlySet<number>): number {
  const { client, requests } = table.rows
  let all = 0
  let leftOut = 0
  for (const row of table.order) {
    all += requests[row]!
    if (legitimate[row] === 0 && !programs.has(client[row]!)) leftOut += requests[row]!
  }
  return leftOut / all
}

function highest(values: readonly number[]): number {
  return values.reduce((most, value) => Math.max(most, value), 0)
}

function burstsOf(
  { curves }: ClientTraffic,
  minutes: ClientPeaks,
  leftOut: readonly number[],
  budget: HarmBudget,
): (limit: number) => number {
  const left = new Set(leftOut)
  const kept = [...minutes.clients.keys()].filter((i) => !left.has(minutes.clients[i]!))
  const of = {
    clients: kept.map((i) => minutes.clients[i]!),
    peaks: kept.map((i) => minutes.peaks[i]!),
    activeDays: kept.map((i) => minutes.activeDays[i]!),
    requests: minutes.requests,
  }
  return (limit) => {
    const depth = kept.length > 0 ? burstAt(curves, of, limit, budget) : 0
    return Math.max(MIN_LIMIT, Math.ceil(HEADROOM.burst * depth))
  }
}

function leftOutClients(table: ClientTable, legitimate: Uint8Array): number[] {
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
