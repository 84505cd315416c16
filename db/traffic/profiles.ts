import type { Sql } from 'postgres'
import type { EndpointRollup } from '../../models/optimizer/endpoint-rollups.js'
import { OTHER } from './endpoints.js'
import { MAX_COUNTED_LATENCY_MS } from '../../models/rate-limit/request-costs.js'
import { LN_GAMMA } from '../../models/statistics/latency-histogram.js'
import type { TimeRange } from './rollups/times.js'
import type { TrafficTable } from './table.js'

interface StoredEndpoint {
  method: string
  path: string
  isOther: boolean
  /** Minute since 1970 and requests, eight bytes each. */
  minutes: Buffer
  latency_sum: number
  latencies: number
  counted_sum: number
  overlong: number
  errors: number
}

/** The first bucket of histograms whose latencies are all too long to count in weights, as two bytes. */
const OVERLONG = Buffer.alloc(2)
OVERLONG.writeInt16BE(Math.ceil(Math.log(MAX_COUNTED_LATENCY_MS) / LN_GAMMA) + 1)
/** Larger ones are below zero: far less than a millisecond. */
const LARGEST = Buffer.from([0x7f, 0xff])

/**
 * The endpoints that have requests in a range, by method and path template, from the rollups; beside them the endpoint
 * `other`, which stands for those without a name. Left out are endpoints that are ignored or have lost their names, and
 * every minute that overlaps an excluded interval.
 *
 * @param range whole minutes; to is not included, nor are the ends of what is excluded
 * @param signal ends the query
 */
export async function endpointRollups(
  sql: Sql,
  table: TrafficTable,
  { from, to, exclude }: TimeRange & { readonly exclude: readonly TimeRange[] },
  signal: AbortSignal,
): Promise<{ endpoints: EndpointRollup[]; other: EndpointRollup[] }> {
  signal.throwIfAborted()
  const query = sql<StoredEndpoint[]>`
    select method, path, endpoint = ${OTHER} as "isOther", coalesce(sum(latency_sum), 0)::float8 as latency_sum, sum(latencies)::float8 as latencies,
      sum(errors)::float8 as errors, coalesce(sum(coalesce(counted.sum, latency_sum)), 0)::float8 as counted_sum,
      coalesce(sum(counted.overlong), 0)::float8 as overlong,
      string_agg(float8send(extract(epoch from minute)::float8 / 60) || float8send(requests::float8), ''
        order by minute) as minutes
    from aegis_ml_rollup_endpoint_minutes join aegis_ml_rollup_endpoints using (traffic_table, endpoint)
    left join lateral (${overlongOf(sql)}) counted
      on substr(histogram, length(histogram) - 5, 2) between ${OVERLONG} and ${LARGEST}
    where traffic_table = ${table} and minute >= ${from} and minute < ${to}
       and (endpoint = ${OTHER} or state in ('named', 'declared'))
      and not exists (
        select from unnest(${exclude.map(({ from }) => from.toISOString())}::timestamptz[],
          ${exclude.map(({ to }) => to.toISOString())}::timestamptz[]) excluded (since, until)
        where minute < until and minute + interval '1 minute' > since
      )
    group by method, path, 3 order by method, path`
  const cancel = () => void Promise.resolve(query.cancel()).catch(() => undefined)
  signal.addEventListener('abort', cancel, { once: true })
  try {
    const endpoints: EndpointRollup[] = []
    const other: EndpointRollup[] = []
    await query.forEach((row) => void (row.isOther ? other : endpoints).push(toRollup(row)))
    return { endpoints, other }
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

/**
 * Of a minute with latencies that are too long: the sum of the others, from the buckets of its histogram, and how many are
 * too long.
 */
const overlongOf = (sql: Sql) => sql`
  select coalesce(sum(latencies * exp(bucket * ${LN_GAMMA}::float8) * ${2 / (1 + Math.exp(LN_GAMMA))}::float8)
      filter (where bucket < ${OVERLONG.readInt16BE()}), 0) as sum,
    coalesce(sum(latencies) filter (where bucket >= ${OVERLONG.readInt16BE()}), 0) as overlong
  from (
    select (get_byte(histogram, at) << 8 | get_byte(histogram, at + 1))::int as bucket,
      ('x' || encode(substr(histogram, at + 3, 4), 'hex'))::bit(32)::bigint as latencies
    from generate_series(0, length(histogram) - 6, 6) at
  ) buckets where bucket <= 32767`

function toRollup({
  method,
  path,
  minutes: bytes,
  latency_sum,
  latencies,
  counted_sum: countedSumMs,
  overlong,
  errors,
}: StoredEndpoint): EndpointRollup {
  const length = bytes.length / 16
  const minutes = new Float64Array(length)
  const counts = new Float64Array(length)
  for (let i = 0; i < length; i++) {
    minutes[i] = bytes.readDoubleBE(16 * i)
    counts[i] = bytes.readDoubleBE(16 * i + 8)
  }
  return {
    method,
    path,
    minutes,
    counts,
    latencySumMs: latency_sum,
    latencies,
    countedSumMs,
    overlong,
    errors,
  }
}
