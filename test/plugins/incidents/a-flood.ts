import type { Sql } from 'postgres'
import { anIncident, STARTED } from './an-incident.js'

export const ENDED = STARTED + 600_000

/** A week of requests by 200 clients to `/orders/{id}`, those of the incident too, as many as usual. */
export async function addUsualTraffic(sql: Sql): Promise<void> {
  await sql`insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id)
    select ${new Date(ENDED)}::timestamptz - i * interval '30 seconds', 'GET', '/orders/' || i, 200, 20, 'u' || i % 200
    from generate_series(1, 20180) i`
}

/** Ten requests a second of each of some clients in the ten minutes of the incident. */
export async function addFlood(
  sql: Sql,
  clients: readonly string[],
  { perSecond = 10, status = 200 }: { readonly perSecond?: number; readonly status?: number } = {},
): Promise<void> {
  await sql`insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id)
    select ${new Date(STARTED)}::timestamptz + i * interval '1 second' / ${perSecond}::int, 'GET', '/orders/7', ${status}::int, 20, client
    from generate_series(0, ${600 * perSecond - 1}) i, unnest(${clients as string[]}::text[]) client`
}

/** The incident of it. */
export const aFlood = () =>
  anIncident({
    type: 'traffic_spike',
    endedMs: ENDED,
    endpoints: [{ endpoint: 'GET /orders/{id}', share: 1, startedMs: STARTED, type: 'traffic_spike' }],
  })
