import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Sql } from 'postgres'
import { splitEndpoint } from '../models/traffic/endpoint-name.js'
import type { TrafficMinute } from '../models/watch/endpoint-minute.js'
import type { Round } from '../models/watch/judge-round.js'

const TABLE = 'request_logs'
const MINUTE_MS = 60_000

/** Puts minutes into the rollups, as if the requests had been rolled up and were gone. */
export async function storeRounds(sql: Sql, rounds: readonly Round[]): Promise<void> {
  const numbers = new Map<string, { number: number; firstMs: number; lastMs: number }>()
  for (const { timeMs, endpoints } of rounds) {
    for (const { endpoint } of endpoints) {
      const known = numbers.get(endpoint) ?? { number: numbers.size + 1, firstMs: timeMs, lastMs: timeMs }
      numbers.set(endpoint, { ...known, lastMs: timeMs })
    }
  }
  await sql`delete from aegis_ml_rollup_state where traffic_table = ${TABLE}`
  const end = new Date(rounds.at(-1)!.timeMs + MINUTE_MS)
  await sql`insert into aegis_ml_rollup_state (traffic_table, rolled_to) values (${TABLE}, ${end})`
  await copy(
    sql,
    'aegis_ml_rollup_endpoints (traffic_table, endpoint, method, path, state, first_seen, last_seen)',
    [
      ...[...numbers].map(([name, { number, firstMs, lastMs }]) => {
        const { method, path } = splitEndpoint(name)
        return [TABLE, number, method, path, 'named', inText(firstMs), inText(lastMs)]
      }),
    ],
  )
  await copy(
    sql,
    `aegis_ml_rollup_minutes (traffic_table, minute, requests, latencies, latency_sum, latency_p95, latency_p99,
      errors, status_2xx, status_3xx, status_4xx, status_5xx, unique_ips, unique_users)`,
    rounds.flatMap(({ timeMs, gateway }) =>
      gateway.requests > 0 ? [[TABLE, inText(timeMs), ...figures(gateway), 0, 0, 0, 0, 0, 0]] : [],
    ),
  )
  await copy(
    sql,
    `aegis_ml_rollup_endpoint_minutes (traffic_table, minute, endpoint, requests, latencies, latency_sum, latency_p95,
      latency_p99, errors, status_4xx, status_5xx)`,
    endpointRows(rounds, numbers),
  )
  await sql`analyze aegis_ml_rollup_endpoint_minutes`
}

function* endpointRows(
  rounds: readonly Round[],
  numbers: ReadonlyMap<string, { readonly number: number }>,
): Generator<(string | number)[]> {
  for (const { timeMs, endpoints } of rounds) {
    for (const minute of endpoints) {
      const { number } = numbers.get(minute.endpoint)!
      yield [TABLE, inText(timeMs), number, ...figures(minute), 0, 0]
    }
  }
}

function figures({ requests, failed, avgMs, p95Ms, p99Ms }: TrafficMinute): (string | number)[] {
  const known = (value: number) => (Number.isNaN(value) ? '\\N' : value)
  const latencies = Number.isNaN(avgMs) ? 0 : requests
  return [requests, latencies, known(avgMs * requests), known(p95Ms), known(p99Ms), failed]
}

const inText = (ms: number) => new Date(ms).toISOString()

const LINES = 1_000

async function copy(sql: Sql, target: string, rows: Iterable<readonly (string | number)[]>): Promise<void> {
  function* pieces() {
    let lines: string[] = []
    for (const row of rows) {
      lines.push(`${row.join('\t')}\n`)
      if (lines.length === LINES) {
        yield lines.join('')
        lines = []
      }
    }
    yield lines.join('')
  }
  const stream = await sql.unsafe(`copy ${target} from stdin`).writable()
  await pipeline(Readable.from(pieces()), stream)
}
