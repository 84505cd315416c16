import type { LongWindow } from '../recommendation.js'
import { harmLevel, type HarmBudget } from './harm-level.js'
import { clientPeaks, type ClientPeaks } from './peaks.js'
import { roundLimit } from './round-limit.js'
import { dayOf, dayTotals, type ClientTable } from './table.js'

const HOUR_SECONDS = 3600
const DAY_SECONDS = 86_400
const MINUTES_PER_HOUR = 60
const HOURS_PER_DAY = 24

/**
 * By the hour less than by the minute: a scraper has three times the requests of the busiest client, a flood twenty
 * times. By the day more: days differ more than hours, and a scraper has many times a day's requests.
 */
const HEADROOM = { hour: 1.1, day: 1.3 }
const BUDGET: HarmBudget = { clients: 0.001, requests: 1e-4 }
/** An hour allows at least so many busy minutes, and a day so many busy hours: people come twice, and more. */
const MIN_BUSY = { minutesPerHour: 1.5, hoursPerDay: 2.5 }
/** A window restricts where it is below this share of what the shorter one admits. */
const MAX_SHARE = { hour: 0.5, day: 0.8 }
/** With fewer clients, their busiest hour is little evidence of the next client's. */
const MIN_CLIENTS = 20
/**
 * Days of the week differ. Less than a week gives no limit of a day, and the busiest hour of fewer days is a lower one:
 * its limit has √(7 / days) more to spare.
 */
const WEEK_DAYS = 7

/**
 * Null where it would hardly restrict who keeps the limit per minute, or where too few clients are known.
 * @param nLimits limits of this kind that keep within one budget of clients together
 */
export function hourWindow(
  limit: number,
  hours: ClientPeaks,
  nDays: number,
  nLimits: number,
): LongWindow | null {
  const headroom = HEADROOM.hour * Math.sqrt(Math.max(1, WEEK_DAYS / nDays))
  const level = roundLimit(headroom * levelOf(hours, nLimits), 3)
  const hourLimit = Math.max(Math.ceil(MIN_BUSY.minutesPerHour * limit), level)
  const restricts = hourLimit < MAX_SHARE.hour * limit * MINUTES_PER_HOUR
  return restricts && hours.peaks.length >= MIN_CLIENTS ? { seconds: HOUR_SECONDS, limit: hourLimit } : null
}

/**
 * The same by the day (UTC), where it restricts who keeps the limit per hour.
 * @param hourLimit of the long window, or what the limit per minute admits in an hour
 * @param sharedDay requests a day that a new shared address may need; 0 where none is known
 */
export function dayWindow(
  hourLimit: number,
  days: ClientPeaks,
  nDays: number,
  nLimits: number,
  sharedDay: number,
): LongWindow | null {
  const level = roundLimit(HEADROOM.day * levelOf(days, nLimits), 3)
  const ofShared = roundLimit(sharedDay, 3)
  const dayLimit = Math.max(Math.ceil(MIN_BUSY.hoursPerDay * hourLimit), level, ofShared)
  const restricts = dayLimit < MAX_SHARE.day * hourLimit * HOURS_PER_DAY
  const isKnown = days.peaks.length >= MIN_CLIENTS && nDays >= WEEK_DAYS
  return restricts && isKnown ? { seconds: DAY_SECONDS, limit: dayLimit } : null
}

/** The requests of the clients' days, over the rows that count; each day once. */
export function dayPeaks(table: ClientTable, legitimate: Uint8Array): ClientPeaks {
  const kept = table.order.filter((row) => legitimate[row] === 1)
  const totals = dayTotals(table, kept)
  const { client, hour } = table.rows
  for (let i = kept.length - 1; i > 0; i--) {
    const [row, before] = [kept[i]!, kept[i - 1]!]
    if (client[row] === client[before] && dayOf(hour[row]!) === dayOf(hour[before]!)) totals[row] = 0
  }
  return clientPeaks(table, totals, legitimate)
}

function levelOf({ peaks, loads, requests }: ClientPeaks, nLimits: number): number {
  return harmLevel(peaks, loads, requests, { ...BUDGET, clients: BUDGET.clients / nLimits })
}
