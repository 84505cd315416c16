import type { PathCounts } from './activity.js'
import { quantile } from '../../statistics/quantile.js'
import { dayOf, HOURS_PER_DAY, rowsOfClient, type ClientTable } from './table.js'
import { comesOften } from './trusted-clients.js'

/** What a regular client does, for the sentence that explains its exception. */
export interface Habit {
  /** Minutes from one burst to the next; null where it does not come in bursts around the clock. */
  readonly periodMinutes: number | null
  readonly activeHoursPerDay: number
  readonly activeDays: number
  /** Shares, 0…1. */
  readonly successShare: number
  /** Null where paths are not known. */
  readonly paths: number | null
  /** Whether it is busy when the crowd is, as a shared address. */
  readonly followsCrowd: boolean
}

/** Days that a client must have been seen: at an even pace, a flood of a weekend looks the same. */
const MIN_DAYS = { bursts: 2, even: 3 }
const MIN_SHARE_OF_DAYS = 0.25
/** The share of its hours that come back on another day, and of its days that are like its usual day. */
const MIN_RETURNING = 0.8
const MIN_LIKE_DAYS = 0.7
/** The share of the bursts that come at the same distance as the one before; of visits at random it is a ninth. */
const MIN_PERIODIC = 0.4
const MAX_PACE_RATIO = 1.5
const MAX_PEAK_RATIO = 2
const MAX_ERRORS = 0.1
const MAX_ENDPOINTS = 20
/** Different paths ever: a harvest has many. At an even pace, the query string counts as part of the path. */
const MAX_PATHS = { bursts: 1000, even: 50 }
/** With more paths at an even pace, it asks for each so many times: a harvest takes each but once. */
const MIN_REPEATS = 10
/** Bursts: so many times as dense as requests that come at random, in at most half of the minutes. */
const MIN_DENSITY = 1.5
const MAX_DUTY = 0.5
const MINUTES_PER_HOUR = 60
/** Active hours a day from which a client comes around the clock. */
export const AROUND_THE_CLOCK = 20

/**
 * What a client does day by day, if that is regular enough to be a program that is no attack. All of these must hold:
 *
 * - It was active on at least half of the days since its first request, and on a quarter of all days.
 * - Its hours come back: four in five have an active hour 24 hours before or after, give or take an hour.
 * - Its pace (requests an active hour) and its busiest minute are alike on seven of ten days: within a factor of 1.5 of
 *   the usual pace, and within twice the usual busiest minute.
 * - If it comes in bursts, these are periodic: two in five begin as long after the one before as that one did after its
 *   own, within a quarter. Of visits that come independently, one in nine does.
 * - Nine in ten requests succeed.
 * - It asks for few endpoints (20), and for few different paths: 1,000 if it comes in bursts. At an even pace around the
 *   clock, a harvest looks the same but for its paths, so only 50 different paths with their query strings are allowed,
 *   unless it asks for each ten times or more; paths that are not known are no evidence.
 *
 * @param place in table.clients
 * @returns null for any other client; a flood that comes once is never regular
 */
export function habitOf(table: ClientTable, place: number, paths: PathCounts | null): Habit | null {
  const own = rowsOfClient(table, place)
  const habit = describe(table, own, place, paths)
  const isInBursts = habit.isInBursts
  if (isInBursts && habit.periodicShare < MIN_PERIODIC) return null
  const minDays = isInBursts ? MIN_DAYS.bursts : MIN_DAYS.even
  if (habit.activeDays < Math.max(minDays, MIN_SHARE_OF_DAYS * table.days.length)) return null
  if (!comesOften(table, own, minDays) || habit.successShare < 1 - MAX_ERRORS) return null
  if (!hasFewPaths(table.clients[place]!, paths, habit)) return null
  return returningShare(table, own) >= MIN_RETURNING && daysAreAlike(table, own) ? habit : null
}

/** Whether a client that is known as a program elsewhere is one here too: it comes often, and succeeds. */
export function comesAsProgram(table: ClientTable, place: number, paths: PathCounts | null): Habit | null {
  const own = rowsOfClient(table, place)
  if (!comesOften(table, own, MIN_DAYS.bursts)) return null
  const habit = describe(table, own, place, paths)
  return habit.successShare < 1 - MAX_ERRORS ? null : habit
}

/** What a trusted client does, which comes with the crowd (see trustedClients); null where many requests fail. */
export function crowdHabit(table: ClientTable, place: number, paths: PathCounts | null): Habit | null {
  const habit = describe(table, rowsOfClient(table, place), place, paths)
  return habit.successShare < 1 - MAX_ERRORS ? null : { ...habit, followsCrowd: true }
}

interface Described extends Habit {
  readonly isInBursts: boolean
  readonly periodicShare: number
}

function describe(
  { rows, clients }: ClientTable,
  own: Uint32Array,
  place: number,
  paths: PathCounts | null,
): Described {
  const sum = (column: ArrayLike<number>) => own.reduce((total, row) => total + column[row]!, 0)
  const requests = sum(rows.requests)
  const activeMinutes = sum(rows.activeMinutes)
  const activeDays = new Set(Array.from(own, (row) => dayOf(rows.hour[row]!))).size
  const activeHoursPerDay = own.length / activeDays
  const isInBursts = comesInBursts(requests, activeMinutes, own.length)
  const runs = quantile(
    Array.from(own, (row) => rows.runs[row]!),
    0.5,
  )
  return {
    periodMinutes:
      isInBursts && activeHoursPerDay >= AROUND_THE_CLOCK && runs > 0
        ? Math.round(MINUTES_PER_HOUR / runs)
        : null,
    activeHoursPerDay,
    activeDays,
    successShare: 1 - sum(rows.errors) / requests,
    paths: paths && Math.round(paths.paths(clients[place]!)),
    followsCrowd: false,
    isInBursts,
    periodicShare: sum(rows.periodicRuns) / sum(rows.runs),
  }
}

/**
 * Whether requests come together, with pauses: requests that come independently at a share d of active minutes have
 * −ln(1 − d) / d of them in an active minute (a Poisson process).
 */
function comesInBursts(requests: number, activeMinutes: number, hours: number): boolean {
  const duty = activeMinutes / (hours * MINUTES_PER_HOUR)
  if (duty > MAX_DUTY) return false
  const atRandom = -Math.log(1 - duty) / duty
  return requests / activeMinutes >= MIN_DENSITY * atRandom
}

function hasFewPaths(client: number, paths: PathCounts | null, { isInBursts }: Described): boolean {
  if (paths === null) return isInBursts
  if (paths.endpoints(client) > MAX_ENDPOINTS) return false
  if (isInBursts) return paths.paths(client) <= MAX_PATHS.bursts
  return paths.targets(client) <= MAX_PATHS.even || paths.repeats(client) >= MIN_REPEATS
}

/** The share of the hours with an active hour a day before or after, give or take an hour. */
function returningShare({ rows }: ClientTable, own: Uint32Array): number {
  const hours = new Set(Array.from(own, (row) => rows.hour[row]!))
  const isActiveAt = (hour: number) => hours.has(hour) || hours.has(hour - 1) || hours.has(hour + 1)
  const returning = own.filter((row) => {
    const hour = rows.hour[row]!
    return isActiveAt(hour - HOURS_PER_DAY) || isActiveAt(hour + HOURS_PER_DAY)
  })
  return returning.length / own.length
}

function daysAreAlike({ rows }: ClientTable, own: Uint32Array): boolean {
  const days = new Map<number, { requests: number; hours: number; peak: number }>()
  for (const row of own) {
    const key = dayOf(rows.hour[row]!)
    const day = days.get(key) ?? { requests: 0, hours: 0, peak: 0 }
    day.requests += rows.requests[row]!
    day.hours++
    day.peak = Math.max(day.peak, rows.busiestMinute[row]!)
    days.set(key, day)
  }
  const paces = [...days.values()].map(({ requests, hours }) => requests / hours)
  const peaks = [...days.values()].map(({ peak }) => peak)
  return areAlike(paces, MAX_PACE_RATIO) && areAlike(peaks, MAX_PEAK_RATIO)
}

/** Whether enough of the values lie within a factor of their median. */
function areAlike(values: readonly number[], factor: number): boolean {
  const usual = quantile(values, 0.5)
  const alike = values.filter((value) => value <= usual * factor && value >= usual / factor)
  return alike.length >= MIN_LIKE_DAYS * values.length
}
