import { DAY_MS } from '../../models/traffic/durations.js'
import type { Series, Window } from './series.js'
import { firstJudged } from './walk-forward.js'

/** A gap of this many rows does not end an alarm. */
const JOINED = 5

/** So many rows of an alarm before and after a window belong to it, where the alarm reaches into it. */
const MARGIN = 12

/** What a detector says about a series, in rows. */
export interface Findings {
  /** The windows that are judged, in order, each with the first alarmed row in it; null for a missed one. */
  readonly windows: readonly (Window & { readonly found: number | null })[]
  /** The row in which each false alarm begins, in order. */
  readonly falseAlarms: readonly number[]
}

/**
 * Compares alarms with windows, after the probation.
 *
 * - An alarm is a run of alarmed rows, over gaps of up to five rows.
 * - A window is found if an alarmed row is in it. No other row of the window is credited.
 * - An alarm outside of windows is false. The part of an alarm that reaches up to twelve rows beyond a window belongs to
 *   that window; the rest is false.
 * - A false alarm that lasts counts once for each day that it has begun. So an alarm that never ends finds everything, at
 *   the price of a false alarm a day.
 *
 * A window that begins in the probation is not judged, and alarms in it are ignored.
 */
export function findingsOf(
  { timesMs, windows }: Pick<Series, 'timesMs' | 'windows'>,
  isAlarmed: (row: number) => boolean,
): Findings {
  const n = timesMs.length
  const first = firstJudged(n)
  const inWindow = new Uint8Array(n)
  for (const { from, to } of windows) inWindow.fill(1, from, to)
  const judged = windows
    .filter(({ from }) => from >= first)
    .map((window) => ({ ...window, found: firstAlarmed(window, isAlarmed) }))
  const falseAlarms: number[] = []
  for (const alarm of alarmsOf(n, first, isAlarmed)) {
    const outside = alarm.filter((row) => inWindow[row] === 0 && !isBeside(row, alarm, inWindow))
    let beganMs = -Infinity
    for (const row of outside) {
      if (timesMs[row]! - beganMs < DAY_MS) continue
      beganMs = timesMs[row]!
      falseAlarms.push(row)
    }
  }
  return { windows: judged, falseAlarms }
}

/** The alarmed rows of each alarm. */
function alarmsOf(n: number, first: number, isAlarmed: (row: number) => boolean): number[][] {
  const alarms: number[][] = []
  for (let row = first; row < n; row++) {
    if (!isAlarmed(row)) continue
    const alarm = alarms.at(-1)
    if (alarm && row - alarm.at(-1)! <= JOINED + 1) alarm.push(row)
    else alarms.push([row])
  }
  return alarms
}

/** Whether a row is close to a window that its alarm reaches into. */
function isBeside(row: number, alarm: readonly number[], inWindow: Uint8Array): boolean {
  const [begin, end] = [alarm[0]!, alarm.at(-1)!]
  for (let near = Math.max(begin, row - MARGIN); near <= Math.min(end, row + MARGIN); near++) {
    if (inWindow[near] === 1) return true
  }
  return false
}

function firstAlarmed({ from, to }: Window, isAlarmed: (row: number) => boolean): number | null {
  for (let row = from; row < to; row++) if (isAlarmed(row)) return row
  return null
}
