import type { Sql } from 'postgres'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import { endpointName } from '../../models/traffic/endpoint-name.js'
import { NO_REQUESTS, type EndpointMinute, type TrafficMinute } from '../../models/watch/endpoint-minute.js'
import type { Round } from '../../models/watch/judge-round.js'
import { copiedMinutes, MINUTE_FIGURES, quoted, type CopiedMinute } from './rollups/copied-minutes.js'
import type { TimeRange } from './rollups/times.js'
import type { TrafficTable } from './table.js'

/** The rows of the whole gateway, beside the numbers of endpoints. */
const WHOLE = -1

/**
 * The minutes of a range as rounds: each minute of the gateway, with those of its named endpoints that have requests. They
 * are read from the rollups in one query, in order of time. A minute without a row has no requests. The figures of the
 * gateway are those that `minuteFigures` gives to a training.
 *
 * Rounds are complete up to `rolledUpTo` (db/traffic/timeline.ts), which `updateRollups` moves on. Rows that arrive later
 * change them.
 *
 * @param range whole minutes; to is not included
 * @param signal ends the query
 */
export async function* roundsOf(
  sql: Sql,
  table: TrafficTable,
  { from, to }: TimeRange,
  signal: AbortSignal,
): AsyncGenerator<Round> {
  const inRange = `traffic_table = ${quoted(table)} and minute >= ${quoted(from.toISOString())} and minute < ${quoted(to.toISOString())}`
  const columns = 'minute, requests, errors, latency_sum, latencies, latency_p95, latency_p99'
  const query = `select endpoint, ${MINUTE_FIGURES} from (
      select ${WHOLE}::int4 as endpoint, ${columns} from aegis_ml_rollup_minutes where ${inRange}
      union all
      select endpoint, ${columns} from aegis_ml_rollup_endpoint_minutes where ${inRange} and endpoint <> 0
    ) minutes order by minute, endpoint`
  const names = new EndpointNames(sql, table)
  let timeMs = from.getTime()
  let rows: CopiedMinute[] = []
  for await (const copied of copiedMinutes(sql, query, signal)) {
    for (const row of copied) {
      for (; timeMs < row.timeMs; timeMs += MINUTE_MS) {
        yield roundOf(timeMs, rows, await names.of(rows))
        rows = []
      }
      rows.push(row)
    }
  }
  for (; timeMs < to.getTime(); timeMs += MINUTE_MS) {
    yield roundOf(timeMs, rows, await names.of(rows))
    rows = []
  }
}

function roundOf(
  timeMs: number,
  rows: readonly CopiedMinute[],
  names: ReadonlyMap<number, string | null>,
): Round {
  const whole = rows.find(({ endpoint }) => endpoint === WHOLE)
  const endpoints = rows.flatMap((row): EndpointMinute[] => {
    const endpoint = names.get(row.endpoint) ?? null
    return endpoint === null ? [] : [{ endpoint, ...figuresOf(row) }]
  })
  return { timeMs, gateway: whole ? figuresOf(whole) : NO_REQUESTS, endpoints }
}

function figuresOf({ requests, failed, avgMs, p95Ms, p99Ms }: CopiedMinute): TrafficMinute {
  return { requests, failed, avgMs, p95Ms, p99Ms }
}

/** The names of numbers; null for endpoints that have lost their names or are ignored. */
class EndpointNames {
  readonly #sql: Sql
  readonly #table: TrafficTable
  #names = new Map<number, string | null>([[WHOLE, null]])

  constructor(sql: Sql, table: TrafficTable) {
    this.#sql = sql
    this.#table = table
  }

  /** Names may be given while rows are read. */
  async of(rows: readonly CopiedMinute[]): Promise<ReadonlyMap<number, string | null>> {
    if (rows.some(({ endpoint }) => !this.#names.has(endpoint))) {
      const named = await this.#sql<{ endpoint: number; method: string; path: string }[]>`
        select endpoint, method, path from aegis_ml_rollup_endpoints
        where traffic_table = ${this.#table} and state in ('named', 'declared')`
      this.#names = new Map([
        ...rows.map(({ endpoint }) => [endpoint, null] as const),
        ...this.#names,
        ...named.map(({ endpoint, method, path }) => [endpoint, endpointName(method, path)] as const),
      ])
    }
    return this.#names
  }
}
