import type { Findings } from './alarms.js'
import type { Window } from './series.js'

/** Weights of the standard profile: a found window, a false alarm, a missed window. */
const STANDARD = { found: 1, falseAlarm: 0.11, missed: 1 }

/** From this relative position on, a false alarm costs all of its weight. */
const FAR = 3

/**
 * The scaled sigmoid of the Numenta Anomaly Benchmark, 2 / (1 + e^(5y)) − 1: 0.987 at the beginning of a window (y = −1),
 * 0 at its end, and towards −1 after it (Lavin and Ahmad 2015, "Evaluating Real-time Anomaly Detection Algorithms",
 * section III).
 */
export function sigmoid(y: number): number {
  return y > FAR ? -1 : 2 / (1 + Math.exp(5 * y)) - 1
}

/** The score of a detector, and how many windows it could find. */
export interface NabScore {
  readonly score: number
  readonly windows: number
}

/**
 * The score of the standard profile. The earliest alarm in a window gives what its position is worth, 1 in its first row. A
 * missed window costs 1. A false alarm costs up to 0.11: less shortly after a window, by the distance from its end
 * relative to its length.
 *
 * The benchmark scores single rows, and most of its detectors alarm in single rows. Here an alarm counts once, however
 * many rows it has: see `findingsOf`.
 */
export function nabScore({ windows, falseAlarms }: Findings, weights = STANDARD): NabScore {
  let score = 0
  for (const window of windows)
    score += window.found === null ? -weights.missed : weights.found * worthOf(window)
  for (const row of falseAlarms) score += weights.falseAlarm * sigmoid(positionAfter(row, windows))
  return { score, windows: windows.length }
}

/** Scores of several series together, 100 for a perfect detector and 0 for one that never alarms; NaN without windows. */
export function normalised(scores: readonly NabScore[], weights = STANDARD): number {
  const sum = (of: (each: NabScore) => number) => scores.reduce((total, each) => total + of(each), 0)
  const windows = sum((each) => each.windows)
  const silent = -weights.missed * windows
  const perfect = weights.found * windows
  return (100 * (sum((each) => each.score) - silent)) / (perfect - silent)
}

function worthOf({ from, to, found }: Window & { readonly found: number | null }): number {
  const position = -(to - found!) / (to - from)
  return sigmoid(position) / sigmoid(-1)
}

/** The distance behind the last window before a row, in lengths of that window; infinite without one. */
function positionAfter(row: number, windows: readonly Window[]): number {
  const last = windows.filter(({ to }) => to <= row).at(-1)
  if (!last) return Infinity
  return (row - (last.to - 1)) / Math.max(1, last.to - 1 - last.from)
}
