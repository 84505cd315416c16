import { MIN_SAMPLES } from '../../models/anomaly/model.js'
import { DAY_MS } from '../../models/traffic/durations.js'
import type { Series } from './series.js'

/** The first share of a series is not judged. NAB leaves out as much, but at most 750 rows. */
const PROBATION = 0.15

/** A series of fewer days is judged in tenths. */
const MIN_DAYS = 5
const TENTHS = 10

/** Rows that are judged by what was known before the first of them: `from` to before `to`. */
export interface Block {
  readonly from: number
  readonly to: number
}

/** The first row that is judged. */
export function firstJudged(nRows: number): number {
  return Math.max(MIN_SAMPLES, Math.floor(PROBATION * nRows))
}

/** The blocks of a series after its probation: days from the first judged row on, or tenths of a short series. */
export function blocksOf({ timesMs }: Pick<Series, 'timesMs'>): Block[] {
  const n = timesMs.length
  const first = firstJudged(n)
  const isLong = timesMs[n - 1]! - timesMs[0]! >= MIN_DAYS * DAY_MS
  const blocks: Block[] = []
  for (let from = first; from < n;) {
    let to = from + 1
    if (isLong) while (to < n && timesMs[to]! - timesMs[from]! < DAY_MS) to++
    else to = Math.min(n, from + Math.max(1, Math.ceil(n / TENTHS)))
    blocks.push({ from, to })
    from = to
  }
  return blocks
}
