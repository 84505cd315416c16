import type { Sql } from 'postgres'
import { MINUTE_MS } from '../../models/traffic/durations.js'

/** Sixty requests in each of the last whole minutes. @returns the first of these minutes */
export async function insertMinutes(sql: Sql, minutes: number): Promise<Date> {
  const end = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS
  const first = new Date(end - minutes * MINUTE_MS)
  await sql`insert into request_logs (timestamp, method, path, status_code, response_time_ms)
    select ${first}::timestamptz + i * interval '1 second', 'GET', '/', 200, 20 + i % 7
    from generate_series(0, ${minutes * 60 - 1}) i`
  return first
}

/** Locks the traffic: a run that is to learn from it stays open. @returns what lets go */
export const holdTraffic = (sql: Sql) =>
  hold(sql, (holder) => holder`lock table request_logs in access exclusive mode`)

/** Locks the stored versions: a run that is to publish stays open. @returns what lets go */
export const holdVersions = (sql: Sql) =>
  hold(sql, (holder) => holder`lock table aegis_ml_models in exclusive mode`)

async function hold(sql: Sql, lock: (holder: Sql) => Promise<unknown>): Promise<() => Promise<void>> {
  const holder = await sql.reserve()
  await holder`begin`
  await lock(holder)
  return async () => {
    await holder`rollback`
    holder.release()
  }
}
