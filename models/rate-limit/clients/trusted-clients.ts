import { burstiness, crowdElasticity, type ClientHour } from './crowd-rhythm.js'
import { dayOf, rowsOfClient, type ClientTable } from './table.js'

const MIN_ELASTICITY = 0.4
const MIN_BURSTINESS = 5
const MIN_DAYS = 3
const MIN_HOURS = 12

/**
 * The clients that behave as the crowd does. Such a client is active on at least half of the days since its first
 * request (and on three or more), for hours on end, and is busier when the crowd is. Where the crowd is as busy by
 * night as by day, the client's requests have to come in bursts, as people's do. A shared address fulfils this,
 * however many people use it; a flood comes once, and a scraper keeps its own pace.
 *
 * @param crowd see crowdRhythm
 * @returns by place in table.clients, 1 or 0
 */
export function trustedClients(
  table: ClientTable,
  crowd: Float64Array,
  isTrusted: (client: number) => boolean = () => false,
): Uint8Array {
  return Uint8Array.from(table.clients, (client, i) => {
    const rows = rowsOfClient(table, i)
    if (!comesOften(table, rows)) return 0
    if (isTrusted(client)) return 1
    const hours = innerHours(table, rows)
    if (hours.length < MIN_HOURS) return 0
    const alike = followsCrowd(hours, crowd)
    return alike ? 1 : 0
  })
}

/** A slope that the noise of the client's hours leaves open is no evidence against a client that comes in bursts. */
function followsCrowd(hours: readonly ClientHour[], crowd: Float64Array): boolean {
  const elasticity = crowdElasticity(hours, crowd)
  const { slope, standardError } = elasticity ?? { slope: MIN_ELASTICITY, standardError: Infinity }
  if (slope >= MIN_ELASTICITY && elasticity) return true
  return slope + 2 * standardError >= MIN_ELASTICITY && burstiness(hours) >= MIN_BURSTINESS
}

/**
 * Whether a client is active on at least half of the days since its first request, and on three or more.
 *
 * @param own the rows of the client, not empty
 * @param minDays another number than three
 */
export function comesOften({ rows, days }: ClientTable, own: Uint32Array, minDays = MIN_DAYS): boolean {
  const active = new Set(Array.from(own, (row) => dayOf(rows.hour[row]!)))
  const since = days.length - days.findIndex((day) => active.has(day))
  return active.size >= Math.max(minDays, since / 2)
}

/**
 * The hours with an active one before and after. The first and the last hour of a run are cut short by the client's
 * coming and going, which follows the crowd even where its pace does not.
 */
function innerHours({ rows }: ClientTable, own: Uint32Array): ClientHour[] {
  const hours: ClientHour[] = []
  for (let i = 1; i < own.length - 1; i++) {
    const hour = rows.hour[own[i]!]!
    if (rows.hour[own[i - 1]!] !== hour - 1 || rows.hour[own[i + 1]!] !== hour + 1) continue
    hours.push({ hour, requests: rows.requests[own[i]!]!, busiestMinute: rows.busiestMinute[own[i]!]! })
  }
  return hours
}
