import { quantileSorted } from '../statistics/quantile.js'
import { WEEK_MINUTES } from './clock.js'

/** A partition of the minutes of the week into cells that are thought to be alike. */
export interface Scale {
  readonly name: string
  readonly nCells: number
  /** `[10,080]`, the cell of each minute of the week. */
  readonly cellOf: Uint16Array
}

const scale = (name: string, nCells: number, cellOf: (minuteOfWeek: number) => number): Scale => ({
  name,
  nCells,
  cellOf: Uint16Array.from({ length: WEEK_MINUTES }, (_, minute) => cellOf(minute)),
})

const SATURDAY = 5 * 1440
const part = (minute: number) => (minute < SATURDAY ? 0 : 1)

/** The scales of an endpoint's own rhythm. */
export const SCALES = {
  hourOfDay: scale('hourOfDay', 24, (minute) => Math.floor((minute % 1440) / 60)),
  hourOfPart: scale('hourOfPart', 48, (minute) => 24 * part(minute) + Math.floor((minute % 1440) / 60)),
  minuteOfHour: scale('minuteOfHour', 60, (minute) => minute % 60),
  slotOfDay: scale('slotOfDay', 288, (minute) => Math.floor((minute % 1440) / 5)),
  slotOfPart: scale('slotOfPart', 576, (minute) => 288 * part(minute) + Math.floor((minute % 1440) / 5)),
  hourOfWeek: scale('hourOfWeek', 168, (minute) => Math.floor(minute / 60)),
  windowOfWeek: scale('windowOfWeek', 2016, (minute) => Math.floor(minute / 5)),
  minuteOfDay: scale('minuteOfDay', 1440, (minute) => minute % 1440),
  minuteOfPart: scale('minuteOfPart', 2880, (minute) => 1440 * part(minute) + (minute % 1440)),
} as const

/** What each day says about each cell: a sum, and what it was expected to be. */
export interface CellSums {
  /** Days, or shorter parts of the time that repeat each other. */
  readonly nDays: number
  /** `[nDays, nCells]`, row-major. */
  readonly seen: Float64Array
  readonly expected: Float64Array
}

/** How the sums of a feature are read. */
export interface Reading {
  /** The deviation that sums show, on the scale of the rhythm. */
  readonly deviation: (seen: number, expected: number) => number
  /** Its variance by chance. */
  readonly variance: (expected: number) => number
  /** Whether that is known up to a factor only, as of latencies. Otherwise the days add a variance of their own. */
  readonly isRelative: boolean
  /** Days whose cells have less than this are left out. */
  readonly min: number
}

/**
 * The deviation of each cell, as far as it is more than chance. Days are what is repeated: a cell needs two. The days
 * that lie furthest off are left out on either side, since they may have had an incident; of two days the nearer counts.
 *
 * A deviation beyond the universal threshold, √(2 ln n) standard errors for n cells (Donoho and Johnstone 1994, "Ideal
 * spatial adaptation by wavelet shrinkage"), is kept. A smaller one is shrunk by what the cells have in common
 * (empirical Bayes: Morris 1983, "Parametric empirical Bayes inference"): m τ² / (τ² + v), with the variance v of chance
 * and the variance τ² among the cells, by medians.
 *
 * @param repeats days that a deviation needs. With one day alone, the days are taken to lie {@link ONE_DAY_APART}
 * @returns `[nCells]`; 0 for cells with too few days. O(nDays nCells)
 */
export function cellDeviations(sums: CellSums, reading: Reading, repeats = 2): Float64Array {
  const cells = middleOfDays(sums, reading, repeats)
  const { m, weight, count, days, spread } = cells
  const { variance, isRelative } = reading
  const v = new Float64Array(m.length)
  const [sizes, chances] = [new Float64Array(m.length), new Float64Array(m.length)]
  let known = 0
  for (let cell = 0; cell < m.length; cell++) {
    if (count[cell] === 0) continue
    const chance = variance(weight[cell]!)
    const apart = days[cell] === 1 ? Math.max(spread, ONE_DAY_APART ** 2) : spread / count[cell]!
    v[cell] = TRIMMED * (isRelative ? spread * chance : chance + apart)
    sizes[known] = Math.abs(m[cell]!)
    chances[known++] = v[cell]!
  }
  if (known === 0) return m
  const size = SIGMAS_PER_MAD * median(sizes.subarray(0, known))
  const between = Math.max(0, size ** 2 - median(chances.subarray(0, known)))
  const certain = 2 * Math.log(m.length)
  for (let cell = 0; cell < m.length; cell++) {
    const deviation = m[cell]!
    if (deviation === 0 || deviation ** 2 > certain * v[cell]!) continue
    m[cell] = (deviation * between) / (between + v[cell]!)
  }
  return m
}

const SIGMAS_PER_MAD = 1.4826

/** The variance of a trimmed mean is larger than that of a mean by about this. */
const TRIMMED = 1.2

/** The standard deviation between days that is assumed where none repeats; and of the one day that a cell is known from. */
const DAYS_APART = 0.1
const ONE_DAY_APART = 0.2

/** The median of the square of a standard normal variable. */
const MEDIAN_OF_SQUARE = 0.455

/** The cells by their middle days. */
interface Middles {
  /** The deviation of each cell; 0 where too few days are known. */
  readonly m: Float64Array
  /** What it rests on, and the days that it is from; 0 where too few are known. All days that are known. */
  readonly weight: Float64Array
  readonly count: Float64Array
  readonly days: Float64Array
  /** What the days add to chance: a variance, or for relative readings a factor. */
  readonly spread: number
}

function middleOfDays({ nDays, seen, expected }: CellSums, reading: Reading, repeats: number): Middles {
  const nCells = seen.length / nDays
  const cells = {
    m: new Float64Array(nCells),
    weight: new Float64Array(nCells),
    count: new Float64Array(nCells),
    days: new Float64Array(nCells),
  }
  const order = new Int32Array(nDays)
  const deviations = new Float64Array(nDays)
  const spreads: number[] = []
  // A part of the days is enough for the spread.
  const stride = Math.ceil((nDays * nCells) / MAX_SPREADS)
  for (let cell = 0; cell < nCells; cell++) {
    const n = sortDays(seen, expected, cell, nCells, reading, order, deviations)
    cells.days[cell] = n
    if (n < repeats) continue
    const cut = n <= 2 ? 0 : Math.max(1, Math.floor(n / 5))
    let [from, to] = [cut, n - cut]
    if (n === 2) {
      const isLowNearer = Math.abs(deviations[order[0]!]!) < Math.abs(deviations[order[1]!]!)
      ;[from, to] = isLowNearer ? [0, 1] : [1, 2]
    }
    let [a, b] = [0, 0]
    for (let k = from; k < to; k++) {
      a += seen[order[k]! * nCells + cell]!
      b += expected[order[k]! * nCells + cell]!
    }
    const isOpposed = n === 2 && deviations[order[0]!]! * deviations[order[1]!]! <= 0
    const m = isOpposed ? 0 : reading.deviation(a, b)
    cells.m[cell] = m
    cells.weight[cell] = b
    cells.count[cell] = to - from
    if (n < 2) continue
    const centre = n === 2 ? (deviations[order[0]!]! + deviations[order[1]!]!) / 2 : m
    for (let k = cell % stride; k < n; k += stride) {
      const square = ((deviations[order[k]!]! - centre) ** 2 * n) / (n - 1)
      const chance = reading.variance(expected[order[k]! * nCells + cell]!)
      spreads.push(reading.isRelative ? square / chance : square / MEDIAN_OF_SQUARE - chance)
    }
  }
  return { ...cells, spread: spreadOf(spreads, reading) }
}

const MAX_SPREADS = 4000

/** Puts the days of a cell that are known in the order of their deviations. @returns how many there are */
function sortDays(
  seen: Float64Array,
  expected: Float64Array,
  cell: number,
  nCells: number,
  reading: Reading,
  order: Int32Array,
  deviations: Float64Array,
): number {
  let n = 0
  for (let day = 0; day < order.length; day++) {
    const weight = expected[day * nCells + cell]!
    if (!(weight > reading.min)) continue
    const deviation = reading.deviation(seen[day * nCells + cell]!, weight)
    deviations[day] = deviation
    let place = n++
    for (; place > 0 && deviations[order[place - 1]!]! > deviation; place--) order[place] = order[place - 1]!
    order[place] = day
  }
  return n
}

function spreadOf(values: readonly number[], { isRelative }: Reading): number {
  if (values.length === 0) return isRelative ? 1 : DAYS_APART ** 2
  const middle = median(Float64Array.from(values))
  return isRelative ? Math.max(1e-12, middle / MEDIAN_OF_SQUARE) : Math.max(0, middle)
}

/** Sorts the values. */
function median(values: Float64Array): number {
  return quantileSorted(values.sort(), 0.5)
}

/**
 * Values of hours on the line from the middle of one to the middle of the next, in each minute of the week.
 *
 * @param hours `[n ring]`, in rings that each begin where they end: of days or of the week
 * @param hourOf of a minute of the week, as an index into hours
 */
export function betweenHours(hours: Float64Array, hourOf: Uint16Array, ring: number): Float64Array {
  const values = new Float64Array(WEEK_MINUTES)
  for (let minute = 0; minute < WEEK_MINUTES; minute++) {
    const hour = hourOf[minute]!
    const away = ((minute % 60) + 0.5) / 60 - 0.5
    const start = hour - (hour % ring)
    const next = start + ((hour - start + (away < 0 ? ring - 1 : 1)) % ring)
    values[minute] = hours[hour]! + Math.abs(away) * (hours[next]! - hours[hour]!)
  }
  return values
}

/** The value of its cell in each minute of the week. */
export function byMinute(cells: Float64Array, cellOf: Uint16Array): Float64Array {
  const values = new Float64Array(WEEK_MINUTES)
  for (let minute = 0; minute < WEEK_MINUTES; minute++) values[minute] = cells[cellOf[minute]!]!
  return values
}
