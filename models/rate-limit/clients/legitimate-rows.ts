import { dropRunaways } from './runaway-rows.js'
import { dayTotals, requestsOf, rowsOfClient, type ClientTable } from './table.js'
import { comesOften } from './trusted-clients.js'

/** Fewer clients than this are no crowd, and say little about the next. */
export const FEW_CLIENTS = 50
/** How many times the peak that enough of the others have a client's own peak may be. */
const MAX_RATIO = { minute: 3, hour: 2.5, day: 2.5 }

/** Which rows count. */
interface LegitimateRows {
  /** By row of the table, 1 for those that count. */
  readonly legitimate: Uint8Array
  /** Clients among them that stand apart from the others as runaways do. */
  readonly nCustomers: number
}

/**
 * Leaves out floods and scrapers ({@link dropRunaways}), first by the minute and then by the hour. Programs
 * get limits of their own, so they are left out too, unless the crowd would be too small without them.
 *
 * To stand apart from a crowd takes a crowd. Among few clients, one that does a hundred times as much as the next is
 * no sign of harm. And where more than half of the traffic would be left out, the model of a legitimate majority with
 * outliers does not hold (the breakdown point: Huber 1981, "Robust Statistics", chapter 1.4). In these cases a client
 * that comes on most days is a customer, and one that came once is a flood. So among fewer than 50 clients, those who
 * come often are taken back, with what is usual for them, if that at least doubles the requests that count.
 *
 * @param trusted by place in table.clients, 1 or 0
 * @param programs places in table.clients
 */
export function findLegitimateRows(
  table: ClientTable,
  trusted: Uint8Array,
  programs: ReadonlyMap<number, unknown>,
): LegitimateRows {
  const nClients = table.clients.length
  const isCrowd = nClients - programs.size >= Math.max(FEW_CLIENTS, nClients / 2)
  const apart = isCrowd ? [...programs.keys()] : []
  const legitimate = withoutRunaways(table, trusted, apart)
  const customers = regularsLeftOut(table, trusted, legitimate)
  for (const place of programs.keys()) customers[place] = 0
  const nCustomers = customers.reduce((sum, one) => sum + one, 0)
  if (nClients >= FEW_CLIENTS || nCustomers === 0) return { legitimate, nCustomers: 0 }
  const withCustomers = withoutRunaways(
    table,
    trusted.map((one, i) => one | customers[i]!),
    apart,
  )
  const doubled = requestsOf(table, withCustomers) > 2 * requestsOf(table, legitimate)
  return doubled ? { legitimate: withCustomers, nCustomers } : { legitimate, nCustomers: 0 }
}

function withoutRunaways(table: ClientTable, trusted: Uint8Array, apart: readonly number[]): Uint8Array {
  const { busiestMinute, requests, length } = table.rows
  const legitimate = new Uint8Array(length)
  for (const row of table.order) legitimate[row] = 1
  for (const place of apart) for (const row of rowsOfClient(table, place)) legitimate[row] = 0
  dropRunaways(table, { values: busiestMinute, maxRatio: MAX_RATIO.minute }, trusted, legitimate)
  dropRunaways(table, { values: requests, maxRatio: MAX_RATIO.hour }, trusted, legitimate)
  return legitimate
}

/** The same rows without those of clients that stand apart by the day: they raise the limit of a day only. */
export function withoutRunawayDays(
  table: ClientTable,
  trusted: Uint8Array,
  legitimate: Uint8Array,
): Uint8Array {
  const kept = table.order.filter((row) => legitimate[row] === 1)
  const byDay = Uint8Array.from(legitimate)
  dropRunaways(table, { values: dayTotals(table, kept), maxRatio: MAX_RATIO.day }, trusted, byDay)
  return byDay
}

/** By place in table.clients, 1 for those that are left out as a whole though they come often. */
function regularsLeftOut(table: ClientTable, trusted: Uint8Array, legitimate: Uint8Array): Uint8Array {
  return trusted.map((isTrusted, i) => {
    const rows = rowsOfClient(table, i)
    return isTrusted === 0 && rows.some((row) => legitimate[row] === 0) && comesOften(table, rows) ? 1 : 0
  })
}
