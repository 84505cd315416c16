import type { ClientTable } from './table.js'
import { crowdRhythm } from './crowd-rhythm.js'
import { comesOften, dropRunaways, trustedClients } from './honest-rows.js'

/** Fewer clients than this are no crowd, and say little about the next. */
export const FEW_CLIENTS = 50
/** Times the highest peak that enough of the others have that a client's own may be. */
const REACH = { minute: 3, hour: 2.5 }

/** Who behaves. */
export interface WellBehaved {
  /** By row of the table, 1 for those that count. */
  readonly honest: Uint8Array
  /** Clients among them that stand apart like runaways. */
  readonly nCustomers: number
}

/**
 * Leaves out floods and scrapers ({@link dropRunaways}), by the minute and then by the hour.
 *
 * To stand apart from the crowd takes a crowd. Among few clients, one that does a hundred times as much as the next is
 * no sign of harm; and where more than half of the traffic would be left out, the model of a good majority with
 * outliers has broken down (the breakdown point: Huber 1981, "Robust Statistics", chapter 1.4). Then only time tells: who
 * comes on most days is a customer, who came once is a flood. So among fewer than 50 clients those come back who come
 * often, with what is usual for them, if that at least doubles the requests that count.
 */
export function wellBehaved(table: ClientTable): WellBehaved {
  const trusted = trustedClients(table, crowdRhythm(table))
  const honest = honestRows(table, trusted)
  const customers = regularsLeftOut(table, trusted, honest)
  const nCustomers = customers.reduce((sum, one) => sum + one, 0)
  if (table.clients.length >= FEW_CLIENTS || nCustomers === 0) return { honest, nCustomers: 0 }
  const withThem = honestRows(
    table,
    trusted.map((one, i) => one | customers[i]!),
  )
  const doubled = requestsOf(table, withThem) > 2 * requestsOf(table, honest)
  return doubled ? { honest: withThem, nCustomers } : { honest, nCustomers: 0 }
}

function honestRows(table: ClientTable, trusted: Uint8Array): Uint8Array {
  const { busiestMinute, requests, length } = table.rows
  const honest = new Uint8Array(length)
  for (const row of table.order) honest[row] = 1
  dropRunaways(table, { values: busiestMinute, reach: REACH.minute }, trusted, honest)
  dropRunaways(table, { values: requests, reach: REACH.hour }, trusted, honest)
  return honest
}

/** By place in table.clients, 1 for those left out as a whole though they come often. */
function regularsLeftOut(table: ClientTable, trusted: Uint8Array, honest: Uint8Array): Uint8Array {
  return trusted.map((isTrusted, i) => {
    const own = table.order.subarray(table.starts[i], table.starts[i + 1])
    return isTrusted === 0 && own.some((row) => honest[row] === 0) && comesOften(table, own) ? 1 : 0
  })
}

/** Requests of the rows that count. */
export function requestsOf({ rows, order }: ClientTable, honest: Uint8Array): number {
  return order.reduce((sum, row) => sum + (honest[row] === 1 ? rows.requests[row]! : 0), 0)
}
