import type { AnomalyModel } from '../anomaly/model.js'
import { localTimeOf } from '../seasonality/local-time.js'
import { smoothSeasonAt } from '../seasonality/season.js'
import { quantile } from '../statistics/quantile.js'
import { MINUTE_MS } from '../traffic/durations.js'
import { MIN_LOG_RATE, rateOf } from './log-rate.js'

export const WEEK_MINUTES = 10_080

/** The minutes of a history, each with its local time. All endpoints share it. */
export interface Clock {
  readonly startMs: number
  readonly nMinutes: number
  /** 1 for a minute whose traffic is known: the log of the whole gateway has no gap there. */
  readonly isKnown: Uint8Array
  /** Local day, from 0 on. */
  readonly days: Int32Array
  readonly nDays: number
  /** Local days since 1970 of day 0. */
  readonly firstDay: number
  readonly minutesOfWeek: Uint16Array
  /** The gateway's rhythm by minute of the week: the logarithm of its requests a minute, without jobs. */
  readonly rhythm: Float64Array
}

/**
 * The clock of a history of the whole gateway.
 *
 * @param knownMs when each known minute began, ms since 1970, ascending; that of `regularHistory`
 * @throws RangeError without a minute
 */
export function clockOf(gateway: AnomalyModel, knownMs: ArrayLike<number>): Clock {
  if (knownMs.length === 0) throw new RangeError('A history needs at least one minute.')
  const startMs = knownMs[0]!
  const nMinutes = Math.round((knownMs[knownMs.length - 1]! - startMs) / MINUTE_MS) + 1
  const isKnown = new Uint8Array(nMinutes)
  for (let i = 0; i < knownMs.length; i++) isKnown[Math.round((knownMs[i]! - startMs) / MINUTE_MS)] = 1
  const localTime = localTimeOf(gateway.timeZone)
  const days = new Int32Array(nMinutes)
  const minutesOfWeek = new Uint16Array(nMinutes)
  const firstDay = localTime(startMs).day
  for (let i = 0; i < nMinutes; i++) {
    const { day, minuteOfWeek } = localTime(startMs + i * MINUTE_MS)
    // A clock that is set back must not go back to the day before.
    days[i] = Math.max(i > 0 ? days[i - 1]! : 0, day - firstDay)
    minutesOfWeek[i] = minuteOfWeek
  }
  const nDays = days[nMinutes - 1]! + 1
  return { startMs, nMinutes, isKnown, days, nDays, firstDay, minutesOfWeek, rhythm: rhythmOf(gateway) }
}

/** Minutes on either side in the running median that takes jobs out of the gateway's rhythm. */
const REACH_MINUTES = 90
const STEP_MINUTES = 15

/**
 * The gateway's rhythm by minute of the week, the logarithm of requests a minute. A job of one endpoint is no rhythm of the
 * others, so only what lasts for more than an hour and a half counts.
 */
export function rhythmOf({ expectations }: AnomalyModel): Float64Array {
  const { season, level } = expectations.requests_per_second.usual
  const steps = Array.from({ length: WEEK_MINUTES / STEP_MINUTES }, (_, step) =>
    Math.max(MIN_LOG_RATE, Math.log(rateOf(level.recent + smoothSeasonAt(season, step * STEP_MINUTES + 7)))),
  )
  const at = (step: number) => steps[(step + steps.length) % steps.length]!
  const reach = REACH_MINUTES / STEP_MINUTES
  const medians = steps.map((_, step) =>
    quantile(
      Array.from({ length: 2 * reach + 1 }, (_, i) => at(step + i - reach)),
      0.5,
    ),
  )
  return Float64Array.from({ length: WEEK_MINUTES }, (_, minute) => {
    const position = minute / STEP_MINUTES - 0.5
    const before = Math.floor(position)
    const value = (step: number) => medians[(step + medians.length) % medians.length]!
    return value(before) + (position - before) * (value(before + 1) - value(before))
  })
}
