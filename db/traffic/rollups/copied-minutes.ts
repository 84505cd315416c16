import type { Sql } from 'postgres'
import { copyOut } from '../copy-out.js'

/** A row of minutes in the bytes of COPY. */
export interface CopiedMinute {
  /** Number of the endpoint. */
  readonly endpoint: number
  /** When it began, ms since 1970. */
  readonly timeMs: number
  readonly requests: number
  /** Requests answered with 400 or above. */
  readonly failed: number
  /** Latencies in ms; NaN where not known. */
  readonly avgMs: number
  readonly p95Ms: number
  readonly p99Ms: number
}

/** The figures of a minute of the gateway or of an endpoint in the columns that are read: none is null. */
export const MINUTE_FIGURES = `extract(epoch from minute)::float8 * 1000, requests::float8, errors::float8,
  coalesce(latency_sum / nullif(latencies, 0), 'NaN'), coalesce(latency_p95, 'NaN'), coalesce(latency_p99, 'NaN')`

const SIGNATURE_BYTES = 11
const HEADER_BYTES = SIGNATURE_BYTES + 8
const COLUMNS = 7
/** The number of columns, then the length of each and its value: a number of the endpoint and six figures. */
const ROW_BYTES = 2 + 4 * COLUMNS + 4 + 8 * (COLUMNS - 1)

/**
 * The rows of a query, in pieces. Numbers travel as their bytes: no digit is lost, and none is parsed.
 * @param query its columns are the number of an endpoint (int4) and {@link MINUTE_FIGURES}
 * @param settings made for the query: work_mem
 */
export async function* copiedMinutes(
  sql: Sql,
  query: string,
  signal: AbortSignal,
  settings: Readonly<Record<string, string>> = {},
): AsyncGenerator<CopiedMinute[], void> {
  const prepare = async (connection: Sql): Promise<string> => {
    for (const [name, value] of Object.entries(settings)) {
      await connection`select set_config(${name}, ${value}, false)`
    }
    return query
  }
  let rest: Buffer = Buffer.alloc(0)
  let isBegun = false
  for await (const piece of copyOut(sql, 'binary', prepare, signal)) {
    let bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    if (!isBegun) {
      if (bytes.length < HEADER_BYTES) {
        rest = bytes
        continue
      }
      bytes = bytes.subarray(HEADER_BYTES + bytes.readInt32BE(SIGNATURE_BYTES + 4))
      isBegun = true
    }
    // What is left at the end is the trailer, two bytes.
    const count = Math.floor(bytes.length / ROW_BYTES)
    const rows: CopiedMinute[] = []
    for (let row = 0; row < count; row++) rows.push(minuteAt(bytes, row * ROW_BYTES))
    rest = bytes.subarray(count * ROW_BYTES)
    if (rows.length > 0) yield rows
  }
}

function minuteAt(bytes: Buffer, start: number): CopiedMinute {
  const figure = (index: number) => bytes.readDoubleBE(start + 2 + 4 + 4 + index * 12 + 4)
  return {
    endpoint: bytes.readInt32BE(start + 2 + 4),
    timeMs: figure(0),
    requests: figure(1),
    failed: figure(2),
    avgMs: figure(3),
    p95Ms: figure(4),
    p99Ms: figure(5),
  }
}

/** A text in a query of COPY, which takes no parameters. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`
}
