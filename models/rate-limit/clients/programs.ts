import type { PathCounts } from './activity.js'
import { sigmaAt, type ClientCurves } from './burst.js'
import { AROUND_THE_CLOCK, comesAsProgram, habitOf, type Habit } from './regularity.js'
import { usualDay } from './runaway-rows.js'
import { dayTotals, rowsOfClient, type ClientTable } from './table.js'

/** A legitimate program among the clients, with what it needs. */
export interface ProgramNeeds {
  /** Requests a minute and at once, whole. */
  readonly limit: number
  readonly burst: number
  /** Its usual busiest minute, and its busiest hour and day, in requests. */
  readonly busiestMinute: number
  readonly busiestHour: number
  readonly busiestDay: number
  readonly requests: number
  readonly reason: string
}

export interface FoundProgram extends ProgramNeeds {
  /** Index of the client. */
  readonly client: number
}

/** A program that grows by half is still let through. */
export const HEADROOM = 1.5
const MIN_LIMIT = 5
/** What is more than three times its usual day came once, and is no habit. */
const MAX_OWN_RATIO = 3

/**
 * The clients that are regular enough to be programs, by place in table.clients.
 * @param trusted by place; who follows the crowd needs no limit of its own
 * @param isProgram whether a client is known as a program elsewhere
 */
export function findHabits(
  table: ClientTable,
  paths: PathCounts | null,
  trusted: Uint8Array,
  isProgram: (client: number) => boolean,
): Map<number, Habit> {
  const found = new Map<number, Habit>()
  for (const [place, client] of table.clients.entries()) {
    if (trusted[place] === 1) continue
    const habit =
      habitOf(table, place, paths) ?? (isProgram(client) ? comesAsProgram(table, place, paths) : null)
    if (habit) found.set(place, habit)
  }
  return found
}

/** The limit and the burst that a program's own history needs, with half as much to spare. */
export function programNeeds(
  table: ClientTable,
  place: number,
  curves: ClientCurves,
  habit: Habit,
): FoundProgram {
  const own = rowsOfClient(table, place)
  const client = table.clients[place]!
  const { busiestMinute: minutes, requests } = table.rows
  const maxMinute = MAX_OWN_RATIO * usualDay(table, own, minutes)
  const usual = own.filter((row) => minutes[row]! <= maxMinute)
  const highest = (values: ArrayLike<number>) => usual.reduce((most, row) => Math.max(most, values[row]!), 0)
  const busiestMinute = highest(minutes)
  const limit = Math.max(MIN_LIMIT, Math.ceil(HEADROOM * busiestMinute))
  const depth = Math.ceil(HEADROOM * sigmaAt(curves, client, busiestMinute, limit))
  return {
    ...{ client, limit, burst: Math.max(MIN_LIMIT, Math.min(depth, limit)), busiestMinute },
    busiestHour: highest(requests),
    busiestDay: highest(dayTotals(table, usual)),
    requests: own.reduce((sum, row) => sum + requests[row]!, 0),
    reason: reasonOf(habit, busiestMinute, table.days.length),
  }
}

function reasonOf(habit: Habit, busiestMinute: number, days: number): string {
  const { activeDays, successShare, paths } = habit
  const rhythm = rhythmOf(habit)
  const asked = paths === null ? '' : `, asks for ${paths === 1 ? 'one path' : `about ${paths} paths`}`
  return `${rhythm}, with up to ${Math.round(busiestMinute)} requests a minute, on ${activeDays} of ${days} days${asked}, and ${Number((100 * successShare).toPrecision(3))} % of its requests succeed.`
}

function rhythmOf({ followsCrowd, periodMinutes, activeHoursPerDay }: Habit): string {
  if (followsCrowd) return 'It is busy when the others are, as an address that many people share'
  if (periodMinutes !== null)
    return `It comes about every ${periodMinutes === 1 ? 'minute' : `${periodMinutes} minutes`}`
  if (activeHoursPerDay >= AROUND_THE_CLOCK) return 'It comes at an even pace around the clock'
  return `It comes at the same hours of the day, about ${Math.max(1, Math.round(activeHoursPerDay))} a day`
}
