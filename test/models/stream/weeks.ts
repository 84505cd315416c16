import { BUSY, fitted, HISTORY_MS, minutes, TWO_WEEKS, type Condition, type Gateway } from './gateway.js'
import { MINUTE_MS } from '../../../models/traffic/durations.js'

export const START_MS = HISTORY_MS + TWO_WEEKS * MINUTE_MS
export const HOUR = 60
export const TENTH: Gateway = { night: 70, noon: 170, seed: 3 }
export const IDLE: Gateway = { night: 2, noon: 2, seed: 5 }

export const busy = fitted(minutes(BUSY, { startMs: HISTORY_MS, count: TWO_WEEKS }))
export const idle = fitted(minutes(IDLE, { startMs: HISTORY_MS, count: TWO_WEEKS }))

/** So many minutes after the history, from 06:00 on, as other than usual as is said. */
export const reports = (
  count: number,
  conditionAt?: (minute: number) => Condition,
  { gateway = { ...BUSY, seed: 2 }, startMs = START_MS + 6 * HOUR * MINUTE_MS } = {},
) => minutes(gateway, { startMs, count }, conditionAt)

export const between = (from: number, to: number, condition: Condition) => (minute: number) =>
  minute >= from && minute < to ? condition : {}
export const from = (minute: number, condition: Condition) => between(minute, Infinity, condition)
