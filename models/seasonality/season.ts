import { grouped } from '../statistics/grouped.js'
import { quantileSorted } from '../statistics/quantile.js'
import { minuteOfPart, SLOTS, slotOf, windowSlotOf, type Rhythm } from './rhythm.js'

/** What a moment adds to the level of its day, on the scale of the fit. */
export interface Season {
  readonly rhythm: Rhythm
  /** By slot of the rhythm. */
  readonly slots: Float64Array
  /** Added by minute of the hour, for jobs on the hour; null when it does not help. */
  readonly minuteOfHour: Float64Array | null
  /**
   * Added by minute of the day, from Monday to Friday and then at the weekend, for jobs that begin or end within a slot;
   * mostly 0, null when all are 0. Older models have 1,440, for all days alike.
   */
  readonly minuteOfDay: Float64Array | null
  /**
   * Added by five minutes of the week, for times unlike all others; mostly 0, null when all are 0. Older models have
   * quarters of an hour.
   */
  readonly slotOfWeek: Float64Array | null
}

/** Samples in order of time, each with its moment. */
export interface Moments {
  /** Minutes that each sample lasts; 1 when left out. */
  readonly rowMinutes?: number | undefined
  /** NaN when not known. */
  readonly values: Float64Array
  /** Local day. */
  readonly days: Int32Array
  readonly minutesOfWeek: Uint16Array
}

const COARSER: Readonly<Record<Rhythm, Rhythm | null>> = {
  none: null,
  day: null,
  weekpart: 'day',
  week: 'weekpart',
}

/** The coarser rhythm counts as samples of this many minutes, at least one. */
export const PRIOR_MINUTES = 6
/** No job counts as this many hours, so that three hours with a job are enough. */
export const PRIOR_HOURS = 2

/** Weights of a slot and its neighbours. */
const KERNEL = [1, 2, 3, 2, 1]

/** A slot with samples of this many minutes counts half in its blend with its neighbours. */
export const HALF_SHARP = 6

/** A neighbour counts as at most so many times as far away as three quarters of all neighbours are. */
export const STEP = 2
export const STEP_RANK = 0.75

export const NO_SEASON: Season = {
  rhythm: 'none',
  slots: new Float64Array(1),
  minuteOfHour: null,
  minuteOfDay: null,
  slotOfWeek: null,
}

/** What the season adds at a minute of the week, 0…10,079. */
export function seasonAt(season: Season, minuteOfWeek: number): number {
  const { minuteOfHour, minuteOfDay } = season
  const ofHour = minuteOfHour ? minuteOfHour[minuteOfWeek % 60]! : 0
  const ofDay = minuteOfDay ? jobAt(minuteOfDay, minuteOfWeek) : 0
  return smoothSeasonAt(season, minuteOfWeek) + ofHour + ofDay
}

/** What the season adds around a moment, without terms for single minutes. */
export function smoothSeasonAt({ rhythm, slots, slotOfWeek }: Season, minuteOfWeek: number): number {
  const ofWeek = slotOfWeek ? windowAt(slotOfWeek, minuteOfWeek) : 0
  return slots[slotOf(rhythm, minuteOfWeek)]! + ofWeek
}

/** The term of a minute of the day. */
export function jobAt(minuteOfDay: Float64Array, minuteOfWeek: number): number {
  return minuteOfDay[minuteOfPart(minuteOfWeek) % minuteOfDay.length]!
}

/** The term of a weekly window. */
export function windowAt(slotOfWeek: Float64Array, minuteOfWeek: number): number {
  return slotOfWeek[windowSlotOf(minuteOfWeek, slotOfWeek.length)]!
}

/**
 * Fits a season to values without the level of their day: the median of each slot, shrunk towards the coarser rhythm when
 * it has few samples ({@link shrunk}), and smoothed over its neighbours. NaN is left out. O(n log n).
 *
 * @param isUsed which samples count; all when left out
 */
export function fitSeason(
  moments: Moments,
  rhythm: Rhythm,
  byMinuteOfHour: boolean,
  isUsed: (index: number) => boolean = () => true,
): Season {
  const slots = fitSlots(moments, rhythm, isUsed)
  const season = { ...NO_SEASON, rhythm, slots }
  if (!byMinuteOfHour) return season
  const left = leftBy(season, moments)
  const groups = grouped(left, 60, (i) => moments.minutesOfWeek[i]! % 60, isUsed)
  return { ...season, minuteOfHour: Float64Array.from(groups, (group) => shrunk(group, 0, PRIOR_HOURS)) }
}

/** The fewest days that distinguish a job from chance. */
export const MIN_SHARP_DAYS = 5

/** Standard errors of a median that are not chance, among 1,440 medians. */
export const SHARP = 4

/**
 * Adds terms for minutes of the day where a slot is too coarse: a job that ends at 00:44 leaves one minute of its slot
 * unlike the others. Only medians over the days that are not chance count. A part of the week whose own days differ from
 * it, again by more than chance, has its own term: a job at nine from Monday to Friday is not expected on Saturday.
 */
export function withSharpMinutes(
  season: Season,
  moments: Moments,
  isUsed?: (index: number) => boolean,
): Season {
  const { minutesOfWeek } = moments
  const left = leftBy(season, moments)
  const sigma = 1.4826 * medianSize(left)
  const isChance = (size: number, n: number) => Math.abs(size) <= (SHARP * 1.253 * sigma) / Math.sqrt(n)
  const days = grouped(left, 1440, (i) => minutesOfWeek[i]! % 1440, isUsed)
  const counts = days.map(({ length }) => length)
  const ofAll = days.map((group) => {
    const median = group.length < MIN_SHARP_DAYS ? 0 : quantileSorted(group, 0.5)
    return median === 0 || isChance(median, group.length) ? 0 : median
  })
  const groups = grouped(left, 2880, (i) => minuteOfPart(minutesOfWeek[i]!), isUsed)
  const minuteOfDay = Float64Array.from(groups, (group, minute) => {
    const all = ofAll[minute % 1440]!
    if (group.length === 0 || counts[minute % 1440]! < MIN_SHARP_DAYS) return all
    const own = group.length < MIN_SHARP_DAYS ? shrunk(group, all, 1) : quantileSorted(group, 0.5)
    return isChance(own - all, group.length) ? all : own
  })
  return minuteOfDay.some((value) => value !== 0) ? { ...season, minuteOfDay } : season
}

/** What a season leaves of the values. */
export function leftBy(season: Season, { values, minutesOfWeek }: Moments): Float64Array {
  return values.map((value, i) => value - seasonAt(season, minutesOfWeek[i]!))
}

/** The median of the sizes that are known; Infinity when none is. */
export function medianSize(values: ArrayLike<number>): number {
  const sizes = Float64Array.from(values)
    .filter((value) => !Number.isNaN(value))
    .map(Math.abs)
    .sort()
  return sizes.length === 0 ? Infinity : quantileSorted(sizes, 0.5)
}

function fitSlots(moments: Moments, rhythm: Rhythm, isUsed: (index: number) => boolean): Float64Array {
  const { values, minutesOfWeek, rowMinutes = 1 } = moments
  if (rhythm === 'none') return new Float64Array(1)
  const groups = grouped(values, SLOTS[rhythm], (i) => slotOf(rhythm, minutesOfWeek[i]!), isUsed)
  const coarser = COARSER[rhythm]
  const counts = groups.map(({ length }) => length * rowMinutes)
  const priorSamples = Math.max(1, Math.round(PRIOR_MINUTES / rowMinutes))
  if (coarser === null) return smoothed(filled(groups), counts, SLOTS.day)
  const prior = fitSlots(moments, coarser, isUsed)
  const isRepeated = onSeveralDays(moments, rhythm)
  const usual = groups.map((_, slot) => prior[slotOf(coarser, firstMinuteOf(rhythm, slot))]!)
  const added = groups.map((group, slot) =>
    isRepeated(slot) ? shrunk(group, usual[slot]!, priorSamples) - usual[slot]! : NaN,
  )
  const between = interpolated(added)
  const own = usual.map((value, slot) => value + between[slot]!)
  return smoothed(Float64Array.from(own), counts, rhythm === 'weekpart' ? SLOTS.day : SLOTS.week)
}

/** Whether a slot has samples of several days. With a single one, as after a gap, it is no rhythm yet. */
function onSeveralDays({ values, days, minutesOfWeek }: Moments, rhythm: Rhythm): (slot: number) => boolean {
  const first = new Int32Array(SLOTS[rhythm]).fill(-1)
  const isRepeated = new Uint8Array(SLOTS[rhythm])
  days.forEach((day, i) => {
    if (Number.isNaN(values[i]!)) return
    const slot = slotOf(rhythm, minutesOfWeek[i]!)
    if (first[slot] === -1) first[slot] = day
    else if (first[slot] !== day) isRepeated[slot] = 1
  })
  return (slot) => isRepeated[slot] === 1
}

/** Fills unknown values of a ring on the line between their neighbours; with 0 when nothing is known. */
function interpolated(ring: readonly number[]): number[] {
  const known = [...ring.keys()].filter((slot) => !Number.isNaN(ring[slot]!))
  if (known.length === 0) return ring.map(() => 0)
  const n = ring.length
  return ring.map((value, slot) => {
    if (!Number.isNaN(value)) return value
    const before = known.findLast((each) => each < slot) ?? known.at(-1)! - n
    const after = known.find((each) => each > slot) ?? known[0]! + n
    const [from, to] = [ring[(before + n) % n]!, ring[after % n]!]
    return from + ((to - from) * (slot - before)) / (after - before)
  })
}

/** The first minute of the week that lies in a slot. */
function firstMinuteOf(rhythm: Rhythm, slot: number): number {
  if (rhythm === 'week') return slot * 15
  return slot < SLOTS.day ? slot * 5 : 5 * 1440 + (slot - SLOTS.day) * 5
}

/**
 * The median of a slot's samples and of some more at the coarser value. With few samples it is that value. When one of two
 * weeks had an incident, the week that agrees with that value decides.
 */
function shrunk(group: Float64Array, prior: number, samples: number): number {
  const joined = new Float64Array(group.length + samples).fill(prior)
  joined.set(group)
  return quantileSorted(joined.sort(), 0.5)
}

/** The median of each slot. A slot without samples has that of the nearest before it. */
function filled(groups: readonly Float64Array[]): Float64Array {
  const medians = groups.map((group) => (group.length > 0 ? quantileSorted(group, 0.5) : NaN))
  const first = medians.findLast((value) => !Number.isNaN(value)) ?? 0
  let last = first
  return Float64Array.from(medians, (value) => (last = Number.isNaN(value) ? last : value))
}

/**
 * Each slot blended with the mean of its neighbourhood, weighted by KERNEL. The fewer samples, the stronger the blend.
 * A step, as at an opening, stays a step: neighbours that are further away than most neighbours count as if they were
 * not. Slots form rings: the end of a day is next to its beginning.
 */
function smoothed(values: Float64Array, counts: readonly number[], ring: number): Float64Array {
  const reach = (KERNEL.length - 1) / 2
  const total = KERNEL.reduce((sum, weight) => sum + weight, 0)
  const at = (slot: number, k: number) => {
    const place = slot % ring
    return values[slot - place + ((((place + k) % ring) + ring) % ring)]!
  }
  const most =
    STEP * quantileSorted(values.map((value, slot) => Math.abs(at(slot, 1) - value)).sort(), STEP_RANK)
  return values.map((value, slot) => {
    const sum = KERNEL.reduce((all, weight, k) => {
      const away = at(slot, k - reach) - value
      return all + weight * Math.max(-most, Math.min(most, away))
    }, 0)
    const own = counts[slot]! / (counts[slot]! + HALF_SHARP)
    return value + (1 - own) * (sum / total)
  })
}
