import { DAY_MS, HOUR_MS } from '../traffic/durations.js'
import { FEATURES, intervalsOf, N_FEATURES } from './features.js'
import { mergeIntervals } from './merge-intervals.js'
import { rowSeconds } from './row-interval.js'

/** The history of a gateway: rows in order of time. */
export interface History {
  /** `[nSamples, 5]`, row-major, 0…MAX_SAMPLE, features in the order of FEATURES; NaN for a latency that is not known. */
  readonly samples: Float64Array
  /** When each row began, ms since 1970, ascending. */
  readonly timesMs: Float64Array
  /** Length of each row; their times show it when it is left out. */
  readonly intervalSeconds?: number | undefined
}

/** A history whose rows all have the interval of a model. */
export interface RegularHistory extends Required<History> {
  readonly intervalSeconds: number
}

/** Shorter rows are merged to rows of this length: one minute. */
export const MIN_INTERVAL_SECONDS = 60

/** Rows around the same time of which at least this share is missing are not reported when they are empty. */
export const MIN_EMPTY_SHARE = 0.05

/** A run of missing rows is empty if chance makes it so at least this often. */
export const MIN_EMPTY_CHANCE = 1e-6

/** A merged row needs at least this share of its time. */
const MIN_COVERED = 0.5

/**
 * The history in rows of one interval. Empty rows are added where the history plainly leaves them out
 * (see {@link withEmptyRows}). Rows shorter than the interval are merged.
 *
 * @param intervalSeconds of the result; the interval of the rows when left out, at least a minute
 */
export function regularHistory(history: History, intervalSeconds?: number): RegularHistory {
  const ofRows = history.intervalSeconds ?? rowSeconds(history.timesMs)
  const rows = withEmptyRows({ ...history, intervalSeconds: ofRows })
  const wanted = intervalSeconds ?? Math.max(MIN_INTERVAL_SECONDS, ofRows)
  return ofRows >= wanted ? rows : merged(rows, wanted)
}

function merged({ samples, timesMs, intervalSeconds }: RegularHistory, wanted: number): RegularHistory {
  const slotMs = wanted * 1000
  const intervals = [...intervalsOf(samples, intervalSeconds)]
  const rows: number[] = []
  const times: number[] = []
  for (let start = 0; start < intervals.length;) {
    const slot = Math.floor(timesMs[start]! / slotMs)
    let end = start + 1
    while (end < intervals.length && Math.floor(timesMs[end]! / slotMs) === slot) end++
    if ((end - start) * intervalSeconds >= MIN_COVERED * wanted) {
      const row = mergeIntervals(intervals.slice(start, end))
      rows.push(...FEATURES.map((feature) => row[feature]))
      times.push(slot * slotMs)
    }
    start = end
  }
  return {
    samples: Float64Array.from(rows),
    timesMs: Float64Array.from(times),
    intervalSeconds: wanted,
  }
}

/**
 * The history with the rows that had no requests. A request log has no row of an empty minute. What is usual in a quiet
 * hour is too high when only the minutes with requests are known: by 1 / (1 − e^−λ) with λ requests a minute.
 *
 * If the history has a row without requests, it is complete. If not, a run of n missing rows was empty when rows are
 * often missing around that time: in the neighbouring hours, on other days, or in other weeks. With a share q of
 * missing rows there, the run is chance if q^n is not below {@link MIN_EMPTY_CHANCE}. Other gaps are unknown. O(n).
 */
function withEmptyRows(history: RegularHistory): RegularHistory {
  const { samples, timesMs, intervalSeconds } = history
  const runs = isComplete(samples) ? [] : missingRuns(timesMs, intervalSeconds * 1000)
  const empty = runs.length > 0 ? emptyTimes(timesMs, runs, intervalSeconds * 1000) : []
  if (empty.length === 0) return history
  const order = [
    ...Array.from(timesMs, (timeMs, row) => ({ timeMs, row })),
    ...empty.map((timeMs) => ({ timeMs, row: -1 })),
  ].sort((a, b) => a.timeMs - b.timeMs)
  const filled = new Float64Array(order.length * N_FEATURES)
  order.forEach(({ row }, i) => {
    const values = row < 0 ? EMPTY_ROW : samples.subarray(row * N_FEATURES, (row + 1) * N_FEATURES)
    filled.set(values, i * N_FEATURES)
  })
  return { samples: filled, timesMs: Float64Array.from(order, ({ timeMs }) => timeMs), intervalSeconds }
}

const EMPTY_ROW = [0, NaN, NaN, NaN, 0]

function isComplete(samples: Float64Array): boolean {
  for (let start = 0; start < samples.length; start += N_FEATURES) if (samples[start] === 0) return true
  return false
}

/** Consecutive missing rows: the time of the first, and how many. */
interface MissingRun {
  readonly startMs: number
  readonly count: number
}

/** Nobody was silent for longer: rows of a longer run were not recorded. */
const MAX_SILENCE_MS = 7 * DAY_MS

function missingRuns(timesMs: Float64Array, rowMs: number): MissingRun[] {
  const runs: MissingRun[] = []
  for (let i = 1; i < timesMs.length; i++) {
    const count = Math.round((timesMs[i]! - timesMs[i - 1]!) / rowMs) - 1
    if (count > 0 && count * rowMs <= MAX_SILENCE_MS) runs.push({ startMs: timesMs[i - 1]! + rowMs, count })
  }
  return runs
}

/** The times of the missing rows that were empty. */
function emptyTimes(timesMs: Float64Array, runs: readonly MissingRun[], rowMs: number): number[] {
  const cellMs = Math.max(HOUR_MS, rowMs)
  const missing = missingByCell(timesMs, runs, rowMs, cellMs)
  return runs.flatMap((run) => {
    const times = Array.from({ length: run.count }, (_, k) => run.startMs + k * rowMs)
    const own = new Map<number, number>()
    for (const timeMs of times) {
      const cell = Math.floor(timeMs / cellMs)
      own.set(cell, (own.get(cell) ?? 0) + 1)
    }
    let logChance = 0
    for (const [cell, count] of own) {
      const share = missing.shareAround(cell, own)
      if (share < MIN_EMPTY_SHARE) return []
      logChance += count * Math.log(share)
    }
    return logChance >= Math.log(MIN_EMPTY_CHANCE) ? times : []
  })
}

/** The share of missing rows around a cell of time (an hour), without those of a run. */
interface MissingShares {
  shareAround(cell: number, own: ReadonlyMap<number, number>): number
}

function missingByCell(
  timesMs: Float64Array,
  runs: readonly MissingRun[],
  rowMs: number,
  cellMs: number,
): MissingShares {
  const first = Math.floor(timesMs[0]! / cellMs)
  const nCells = Math.floor(timesMs.at(-1)! / cellMs) - first + 1
  const [rows, gone] = [new Float64Array(nCells), new Float64Array(nCells)]
  for (const timeMs of timesMs) rows[Math.floor(timeMs / cellMs) - first]!++
  for (const { startMs, count } of runs) {
    for (let k = 0; k < count; k++) {
      const cell = Math.floor((startMs + k * rowMs) / cellMs) - first
      rows[cell]!++
      gone[cell]!++
    }
  }
  const dayCells = Math.max(1, Math.round(DAY_MS / cellMs))
  const cycles = [dayCells, 7 * dayCells].map((cycle) => {
    const sums = { cycle, rows: new Float64Array(cycle), gone: new Float64Array(cycle) }
    rows.forEach((n, i) => {
      sums.rows[i % cycle]! += n
      sums.gone[i % cycle]! += gone[i]!
    })
    return sums
  })
  /** Of a cell, without the rows of the run in the cells that are counted with it. */
  const share = (n: number, missed: number, mine: number) => (n - mine > 0 ? (missed - mine) / (n - mine) : 0)
  return {
    shareAround(cell, own) {
      const at = cell - first
      const mine = (matches: (i: number) => boolean) =>
        [...own].reduce((sum, [each, count]) => sum + (matches(each - first) ? count : 0), 0)
      const near = [at - 1, at, at + 1].filter((i) => i >= 0 && i < nCells)
      const sumOf = (counts: Float64Array) => near.reduce((sum, i) => sum + counts[i]!, 0)
      const shares = cycles.map((sums) => {
        const place = at % sums.cycle
        return share(
          sums.rows[place]!,
          sums.gone[place]!,
          mine((i) => i % sums.cycle === place),
        )
      })
      return Math.max(
        share(
          sumOf(rows),
          sumOf(gone),
          mine((i) => near.includes(i)),
        ),
        ...shares,
      )
    },
  }
}
