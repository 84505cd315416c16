import type { Sql } from 'postgres'
import type { History } from '../../models/anomaly/regular-history.js'
import { readBuckets, type BucketRow } from './rollups/bucket-rows.js'
import { readMinuteFigures } from './rollups/minute-figures.js'
import type { TimeRange } from './rollups/times.js'
import { update, type UpdateOptions } from './rollups/update.js'
import type { TrafficTable } from './table.js'

export type { BucketRow } from './rollups/bucket-rows.js'
export { recordTouchedRange, refreshTouchedRange } from './rollups/touched-ranges.js'
export { TrafficTableError } from './columns.js'

/**
 * Brings the rollups of the traffic table up to date: minutes that are over, late rows within the look-back, and
 * ranges that our own writers recorded. One replica at a time: it waits for the advisory lock. It ends at the signal,
 * and when its connection breaks. The next update continues from the last whole chunk. Running it twice changes nothing.
 *
 * @throws TrafficTableError when the table lacks columns
 */
export function updateRollups(sql: Sql, options: UpdateOptions): Promise<void> {
  return update(sql, options)
}

/**
 * The figures of each minute of a range, from the rollups: requests per second; average, 95th and 99th percentile of
 * the latency in milliseconds (percentile_cont: type 7); share of requests answered with 400 or above. A negative
 * latency is no latency. A minute without a row is unknown, not zero. A minute without a latency cannot be judged.
 * Both are left out, and so is every minute that overlaps an excluded interval.
 *
 * @param range whole minutes; to is not included, nor are the ends of what is excluded
 * @param signal ends the query
 * @returns the figures, and when each minute began, in order of time
 */
export function minuteFigures(
  sql: Sql,
  table: TrafficTable,
  range: TimeRange & { readonly exclude?: readonly TimeRange[] },
  signal: AbortSignal,
): Promise<History> {
  return readMinuteFigures(sql, table, range, signal)
}

/**
 * Buckets of a whole number of minutes, aligned to the UTC epoch, from the rollups, in order of time and in pages;
 * one without requests is left out. Of a minute everything is exact. Percentiles of longer buckets come from
 * merged histograms (at most 1 % off), and their distinct counts from the rows: null where rows are gone.
 *
 * @param trafficSql the database that has the rows
 * @throws RangeError when bucketSeconds is no whole number of minutes from one to a day's
 */
export function bucketRows(
  sql: Sql,
  table: TrafficTable,
  range: TimeRange,
  bucketSeconds: number,
  trafficSql: Sql = sql,
): AsyncIterable<BucketRow[]> {
  return readBuckets(sql, table, range, bucketSeconds, trafficSql)
}
