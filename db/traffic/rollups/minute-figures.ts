import type { PendingQuery, Row, Sql } from 'postgres'
import type { History } from '../../../models/anomaly/regular-history.js'
import { orCancelled } from '../../or-cancelled.js'
import type { TrafficTable } from '../table.js'
import { type TimeRange } from './times.js'
import { DAY_MS, MINUTE_MS } from '../../../models/traffic/durations.js'

/** Days fetched at a time. */
const PAGE = 31

type ReadRange = TimeRange & { readonly exclude?: readonly TimeRange[] }

/** See minuteFigures in db/traffic/rollups.ts. */
export function readMinuteFigures(
  sql: Sql,
  table: TrafficTable,
  range: ReadRange,
  signal: AbortSignal,
): Promise<History> {
  const minutes = sql`
    select minute, requests::float8 / 60 as rate, coalesce(latency_sum / nullif(latencies, 0), 'NaN') as average,
      coalesce(latency_p95, 'NaN') as p95, coalesce(latency_p99, 'NaN') as p99, errors::float8 / requests as error_rate
    from aegis_ml_rollup_minutes where traffic_table = ${table} and requests > 0`
  return readFigures(sql, minutes, range, signal)
}

/**
 * The figures of the minutes of a range. Figures travel as their eight bytes: no digit is lost, none is parsed.
 * @param minutes a query of minute, rate, average, p95, p99 and error_rate, none of them null; NaN where not known
 */
export async function readFigures(
  sql: Sql,
  minutes: PendingQuery<Row[]>,
  { from, to, exclude = [] }: ReadRange,
  signal: AbortSignal,
): Promise<History> {
  const days: Buffer[] = []
  let next = from
  for (;;) {
    signal.throwIfAborted()
    const page = await orCancelled(pageOf(sql, minutes, { from: next, to }, exclude), signal)
    days.push(...page.map(({ figures }) => figures))
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return toHistory(Buffer.concat(days))
    next = new Date(last.day.getTime() + DAY_MS)
  }
}

const pageOf = (
  sql: Sql,
  minutes: PendingQuery<Row[]>,
  { from, to }: TimeRange,
  exclude: readonly TimeRange[],
) =>
  sql<{ day: Date; figures: Buffer }[]>`
    select date_trunc('day', minute, 'UTC') as day, string_agg(
      float8send(extract(epoch from minute)::float8 * 1000) || float8send(rate) || float8send(average)
        || float8send(p95) || float8send(p99) || float8send(error_rate),
      '' order by minute) as figures
    from (${minutes}) minutes
    where minute >= ${from} and minute < ${to}
      and not exists (
        select from unnest(${exclude.map(({ from }) => from.toISOString())}::timestamptz[],
          ${exclude.map(({ to }) => to.toISOString())}::timestamptz[]) excluded (since, until)
        where minute < until and minute + interval '1 minute' > since
      )
    group by 1 order by 1 limit ${PAGE}`

/** A row has its time before the five figures. */
const ROW = 6

function toHistory(bytes: Buffer): History {
  const count = bytes.length / (8 * ROW)
  const timesMs = new Float64Array(count)
  const samples = new Float64Array(count * (ROW - 1))
  for (let row = 0; row < count; row++) {
    timesMs[row] = bytes.readDoubleBE(8 * ROW * row)
    for (let k = 1; k < ROW; k++) samples[row * (ROW - 1) + k - 1] = bytes.readDoubleBE(8 * (ROW * row + k))
  }
  return { samples, timesMs, intervalSeconds: MINUTE_MS / 1000 }
}
