import { fitDailyLevel, levelAt, type DailyLevel } from '../seasonality/daily-level.js'
import { quantile } from '../statistics/quantile.js'
import { betweenHours, byMinute, cellDeviations, SCALES, type CellSums, type Scale } from './cells.js'
import { WEEK_MINUTES, type Clock } from './clock.js'
import type { ObservedFeature } from './readings.js'

/** What is usual for an endpoint: the level of each day, and what is added by minute of the week, `[10,080]` each. */
export interface FittedRhythm {
  readonly level: DailyLevel
  /** What changes from hour to hour, and in steps of five minutes: the rhythm that it began with and its own. */
  readonly smooth: Float64Array
  /** Jobs, by the minute. */
  readonly sharp: Float64Array
}

/** A rhythm, and what it expects in each minute of the clock from the endpoint's first on. */
export interface RhythmOnClock extends FittedRhythm {
  readonly expected: Float64Array
}

/** An endpoint's feature in the minutes of a clock. */
export interface FeatureMinutes {
  readonly clock: Clock
  readonly feature: ObservedFeature
  /** The minute of the clock that the endpoint begins with. */
  readonly first: number
  /** Which days of the clock count; all when left out. */
  readonly isUsed?: ((day: number) => boolean) | undefined
}

/** The days that a term of a minute needs. Of the minutes of the hour, quarters of a day are enough, at first hours. */
const SHARP_DAYS = 4
const QUARTERS = 4
const HOURS = 24
const YOUNG_MINUTES = 4 * 1440

/**
 * Fits an endpoint's rhythm, from coarse to fine. Each scale explains what the coarser ones leave, as far as it is more
 * than chance, see `cellDeviations`. With little data, the given rhythm stays. A few passes over the minutes each:
 * a small part of the time of `fitExpectation`.
 *
 * @param prior by minute of the week: the gateway's rhythm, or 0
 */
export function fitEndpointRhythm(data: FeatureMinutes, prior: Float64Array): RhythmOnClock {
  const { clock, feature, first } = data
  const smooth = prior.slice()
  const sharp = new Float64Array(WEEK_MINUTES)
  const expected = new Float64Array(clock.nMinutes)
  for (let i = first; i < clock.nMinutes; i++) expected[i] = smooth[clock.minutesOfWeek[i]!]!
  const begin = addFirstLevel(data, expected)
  let levels = new Float64Array(clock.nDays * HALF_HOURS).fill(begin)
  const level = (): DailyLevel => {
    const fitted = fitLevel(data, expected, levels)
    const next = levelsByHalfHour(fitted, clock)
    for (let i = first; i < clock.nMinutes; i++) {
      const half = halfHourOf(clock, i)
      expected[i]! += next[half]! - levels[half]!
    }
    levels = next
    return fitted
  }
  const explain = (scale: Scale, into: Float64Array, ring = 0, repeats = 2, partsOfDay = 1) => {
    const cells = cellDeviations(sumCells(data, scale, expected, partsOfDay), feature, repeats)
    if (cells.every((each) => each === 0)) return
    const added = ring > 0 ? betweenHours(cells, scale.cellOf, ring) : byMinute(cells, scale.cellOf)
    for (let minute = 0; minute < WEEK_MINUTES; minute++) into[minute]! += added[minute]!
    for (let i = first; i < clock.nMinutes; i++) expected[i]! += added[clock.minutesOfWeek[i]!]!
  }
  level()
  explain(SCALES.hourOfDay, smooth, 24, feature.isCount ? 1 : 2)
  explain(SCALES.hourOfPart, smooth, 24)
  level()
  explain(
    SCALES.minuteOfHour,
    sharp,
    0,
    SHARP_DAYS,
    clock.nMinutes - first < YOUNG_MINUTES ? HOURS : QUARTERS,
  )
  explain(SCALES.slotOfDay, smooth)
  explain(SCALES.slotOfPart, smooth)
  explain(SCALES.hourOfWeek, smooth, 168)
  explain(SCALES.windowOfWeek, smooth)
  explain(SCALES.minuteOfDay, sharp, 0, SHARP_DAYS)
  explain(SCALES.minuteOfPart, sharp, 0, SHARP_DAYS)
  return { smooth, sharp, level: level(), expected }
}

const HALF_HOURS = 48

function halfHourOf({ days, minutesOfWeek }: Clock, i: number): number {
  return days[i]! * HALF_HOURS + Math.floor((minutesOfWeek[i]! % 1440) / 30)
}

function levelsByHalfHour(level: DailyLevel, { firstDay, nDays }: Clock): Float64Array<ArrayBuffer> {
  return Float64Array.from({ length: nDays * HALF_HOURS }, (_, i) =>
    levelAt(level, firstDay + Math.floor(i / HALF_HOURS), (i % HALF_HOURS) * 30 + 15),
  )
}

/** The cell of each minute of a clock within its day, or its part of a day; the same for all endpoints. */
const cellsOfClocks = new WeakMap<Clock, Map<string, Int32Array>>()

function cellsOf(clock: Clock, scale: Scale, partsOfDay: number): Int32Array {
  const known = cellsOfClocks.get(clock) ?? new Map<string, Int32Array>()
  cellsOfClocks.set(clock, known)
  const key = `${scale.name} ${partsOfDay}`
  const cells =
    known.get(key) ??
    Int32Array.from({ length: clock.nMinutes }, (_, i) => {
      const minute = clock.minutesOfWeek[i]!
      const part = clock.days[i]! * partsOfDay + Math.floor(((minute % 1440) * partsOfDay) / 1440)
      return part * scale.nCells + scale.cellOf[minute]!
    })
  known.set(key, cells)
  return cells
}

function sumCells(
  { clock, feature, first, isUsed }: FeatureMinutes,
  scale: Scale,
  expected: Float64Array,
  partsOfDay = 1,
): CellSums {
  const { nDays } = clock
  const n = nDays * partsOfDay
  const ofDay = partsOfDay * scale.nCells
  const sums = { seen: new Float64Array(n * scale.nCells), expected: new Float64Array(n * scale.nCells) }
  feature.addTo(sums, expected, first, cellsOf(clock, scale, partsOfDay))
  for (let day = 0; isUsed && day < nDays; day++) {
    if (isUsed(day)) continue
    sums.seen.fill(0, day * ofDay, (day + 1) * ofDay)
    sums.expected.fill(0, day * ofDay, (day + 1) * ofDay)
  }
  return { nDays: n, ...sums }
}

/** An hour tells about the level from this share of the weight of most hours on. */
const MIN_SHARE = 0.1

/**
 * The level of each day, from the deviations of its hours.
 * @param levels by half hour, those that the expected values contain
 */
function fitLevel(data: FeatureMinutes, expected: Float64Array, levels: Float64Array): DailyLevel {
  const { clock, feature, first } = data
  const { days, nDays, firstDay, nMinutes } = clock
  const sums = sumCells(data, SCALES.hourOfDay, expected)
  const weights = sums.expected.filter((weight) => weight > feature.min)
  const least = weights.length === 0 ? 0 : Math.max(feature.min, MIN_SHARE * quantile(weights, 0.5))
  const values = sums.seen.map((seen, hour) => {
    const weight = sums.expected[hour]!
    return weight > least ? levels[2 * hour]! + feature.deviation(seen, weight) : NaN
  })
  const hours = Int32Array.from({ length: nDays * 24 }, (_, hour) => firstDay + Math.floor(hour / 24))
  const firstKnown = 24 * days[Math.min(first, nMinutes - 1)]!
  return withRecent(fitDailyLevel(values.subarray(firstKnown), hours.subarray(firstKnown)), values)
}

/** One minute in so many is enough to begin with. */
const STRIDE = 7

/** Adds a level to begin with to the expected values: that of all minutes together. */
function addFirstLevel({ clock, feature, first }: FeatureMinutes, expected: Float64Array): number {
  const cells = new Int32Array(clock.nMinutes).fill(-1)
  for (let i = first; i < clock.nMinutes; i += STRIDE) cells[i] = 0
  let level = 0
  for (let round = 0; round < ROUNDS; round++) {
    const sums = { seen: new Float64Array(1), expected: new Float64Array(1) }
    feature.addTo(sums, expected, first, cells)
    if (!(sums.expected[0]! > 0)) break
    const step = feature.deviation(sums.seen[0]!, sums.expected[0]!)
    level += step
    for (let i = first; i < clock.nMinutes; i++) expected[i]! += step
  }
  return level
}

const ROUNDS = 3

/** Hours of the end of a history that show a step, such as that of a deployment, and the share that has to agree. */
const RECENT_HOURS = 12
const AGREE = 0.75

/**
 * A level goes on from the last three days. If nearly all of the last hours lie to one side of that, by more than they
 * scatter, there has been a step, and the level goes on from these hours.
 */
function withRecent(level: DailyLevel, hours: Float64Array): DailyLevel {
  const known = hours.filter((value) => !Number.isNaN(value)).slice(-RECENT_HOURS)
  if (known.length < RECENT_HOURS) return level
  const [low, high] = [quantile(known, 1 - AGREE), quantile(known, AGREE)]
  const isHigher = low > level.recent + (high - low)
  const isLower = high < level.recent - (high - low)
  return isHigher || isLower ? { ...level, recent: quantile(known, 0.5), slope: 0 } : level
}
