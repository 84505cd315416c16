import type { Judged } from './contenders.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'

/** A gap of this many rows does not end an alarm. */
const JOINED = 5

/** Consecutive minutes in alarm. */
export interface Alarm {
  readonly minutes: readonly Judged[]
  readonly startMs: number
  /** End of its last minute. */
  readonly endMs: number
}

/** Joins alarmed rows to alarms, over gaps of up to five rows. */
export function alarmsOf(judged: readonly Judged[], rowMs = MINUTE_MS): Alarm[] {
  const runs: Judged[][] = []
  for (const each of judged) {
    if (!each.alarmed) continue
    const run = runs.at(-1)
    if (run && each.timeMs - run.at(-1)!.timeMs <= (JOINED + 1) * rowMs) run.push(each)
    else runs.push([each])
  }
  return runs.map((minutes) => ({
    minutes,
    startMs: minutes[0]!.timeMs,
    endMs: minutes.at(-1)!.timeMs + rowMs,
  }))
}
