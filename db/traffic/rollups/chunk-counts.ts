import type { Sql } from 'postgres'
import { inRange, timeOf } from '../times.js'
import type { TimeRange } from './times.js'
import { addressOf, type TrafficSource } from './traffic-source.js'

export type PathClients = Pick<TrafficSource, 'table' | 'inet'>

/** A client that asks for as many paths that do not exist is a scanner. */
const MIN_SCANNED_PATHS = 20

/**
 * Counts the requests of each path of a range that has no known endpoint, into the temporary table rollup_new_paths.
 * @returns the number of paths
 */
export async function countChunk(sql: Sql, source: PathClients, range: TimeRange): Promise<number> {
  const requests = sql`${sql(source.table)} where ${inRange(sql, range)}`
  const client = sql`coalesce(nullif(user_id::text, ''), ${addressOf(sql, source as TrafficSource)})`
  const milliseconds = (time: ReturnType<typeof timeOf>) =>
    sql`floor(extract(epoch from ${time}) * 1000)::float8`
  const { count } = await sql`
    insert into rollup_new_paths
      (method, path, requests, successes, not_found, first_client, last_client, first_ms, last_ms, probes)
    with counted as (
      select coalesce(method, '') as method, coalesce(path, '') as path, count(*) as requests,
        count(*) filter (where status_code between 200 and 399) as successes,
        count(*) filter (where status_code in (404, 410)) as not_found,
        min(hashtext(${client})) filter (where status_code between 200 and 399) as first_client,
        max(hashtext(${client})) filter (where status_code between 200 and 399) as last_client,
        min(${timeOf(sql)}) as first, max(${timeOf(sql)}) as last
      from ${requests} group by 1, 2
    ), found as (
      select counted.* from counted
      where not exists (
        select from rollup_paths known where known.method = counted.method and known.path = counted.path
      )
    ), missing as materialized (
      select ${client} as client, coalesce(method, '') as method, coalesce(path, '') as path
      from ${requests} and status_code in (404, 410) and exists (select from found)
    ), probed as (
      select method, path, count(*) as probes from missing
      where client in (select client from missing group by 1 having count(distinct path) >= ${MIN_SCANNED_PATHS})
      group by 1, 2
    )
    select method, path, requests, successes, not_found, first_client, last_client,
      ${milliseconds(sql`first`)}, ${milliseconds(sql`last`)}, coalesce(probes, 0)
    from found left join probed using (method, path)`
  return count
}
