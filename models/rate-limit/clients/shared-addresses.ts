import type { PathCounts } from './activity.js'
import { excessLevel, harmLevel, type HarmBudget } from './harm-level.js'
import { FEW_CLIENTS, findLegitimateRows } from './legitimate-rows.js'
import { clientPeaks, type ClientPeaks } from './peaks.js'
import { crowdHabit, type Habit } from './regularity.js'
import { dayOf, dayTotals, rowsOfClient, type ClientTable } from './table.js'
import { dayPeaks } from './windows.js'

const BUDGET: HarmBudget = { clients: 0.0025, requests: 1e-4 }
const HEADROOM = 1.1
/** What one new shared address may lose to the limit of a day, as a share of all requests. */
const MAX_LOST = 5e-4

/**
 * The trusted clients that do more in a minute, an hour or a day than a limit learnt from all others would admit:
 * addresses with the requests of many people, and the busiest of those who come every day. Each is known well enough
 * for a limit of its own, so that it raises that of nobody else.
 *
 * The others have to be a crowd, of 50 clients and of half of all; else nobody is set apart.
 *
 * @param trusted by place in table.clients, 1 or 0
 * @param programs by place; they count neither here nor there
 */
export function findSharedAddresses(
  table: ClientTable,
  paths: PathCounts | null,
  trusted: Uint8Array,
  programs: ReadonlyMap<number, unknown>,
): Map<number, Habit> {
  const found = new Map<number, Habit>()
  const { legitimate } = findLegitimateRows(table, trusted, programs)
  const others = withoutClients(table, legitimate, trusted)
  const minutes = clientPeaks(table, table.rows.busiestMinute, others)
  const nOthers = minutes.peaks.length
  if (nOthers < Math.max(FEW_CLIENTS, (table.clients.length - programs.size) / 2)) return found
  const measures: [ArrayLike<number>, number][] = [
    [table.rows.busiestMinute, levelOf(minutes)],
    [table.rows.requests, levelOf(clientPeaks(table, table.rows.requests, others))],
    [dayTotals(table, counted(table, legitimate)), levelOf(dayPeaks(table, others))],
  ]
  const isAbove = (row: number) =>
    legitimate[row] === 1 && measures.some(([values, level]) => values[row]! > level)
  for (const place of table.clients.keys()) {
    if (trusted[place] === 0 || !rowsOfClient(table, place).some(isAbove)) continue
    const habit = crowdHabit(table, place, paths)
    if (habit) found.set(place, habit)
  }
  return found
}

/**
 * The requests a day from which a new address like one of those that have limits of their own would lose hardly
 * anything: at most 0.05 % of all requests. Those that the limit of an hour would stop count as addresses of the same
 * habits whose busiest hour just fits.
 *
 * @param shared places in table.clients
 * @returns 0 without such addresses
 */
export function sharedDayLevel(
  table: ClientTable,
  shared: ReadonlyMap<number, unknown>,
  hourLimit: number,
): number {
  const { requests } = table.rows
  const all = table.order.reduce((sum, row) => sum + requests[row]!, 0)
  let highest = 0
  for (const place of shared.keys()) {
    const own = rowsOfClient(table, place)
    const busiestHour = own.reduce((most, row) => Math.max(most, requests[row]!), 0)
    const scale = Math.min(1, hourLimit / busiestHour)
    const days = daysOf(table, own).map((day) => scale * day)
    highest = Math.max(highest, excessLevel(days, MAX_LOST * all))
  }
  return highest
}

/** The requests of each day of a client. @param own its rows */
function daysOf({ rows }: ClientTable, own: Uint32Array): number[] {
  const days = new Map<number, number>()
  for (const row of own) {
    const day = dayOf(rows.hour[row]!)
    days.set(day, (days.get(day) ?? 0) + rows.requests[row]!)
  }
  return [...days.values()]
}

function withoutClients(table: ClientTable, legitimate: Uint8Array, left: Uint8Array): Uint8Array {
  const kept = Uint8Array.from(legitimate)
  for (const place of table.clients.keys()) {
    if (left[place] === 1) for (const row of rowsOfClient(table, place)) kept[row] = 0
  }
  return kept
}

function counted(table: ClientTable, legitimate: Uint8Array): Uint32Array {
  return table.order.filter((row) => legitimate[row] === 1)
}

function levelOf({ peaks, loads, requests }: ClientPeaks): number {
  return HEADROOM * harmLevel(peaks, loads, requests, BUDGET)
}
