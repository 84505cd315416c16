import type { Sql } from 'postgres'
import { migrate } from '../../db/migrate.js'
import { copyRequests } from '../../db/traffic/copy-in.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import { COPY_TEXT, requestRows } from './request-rows.js'
import { populationOf } from '../../models/synthetic/requests.js'
import type { SyntheticOptions } from '../../models/synthetic/traffic.js'
import { withOutput } from '../cli/output.js'
import type { Format } from '../cli/row-writer.js'
import { createSink, type Content } from './sink.js'
import { requestStream, type RequestStream } from './stream.js'

/** PostgreSQL needs time at the end of a large COPY. */
const COPY_TIMEOUT_MS = 300_000
/** Characters per write. */
const PIECE = 65_536

/** Writes traffic to a file or to standard output. */
export async function writeTraffic(
  traffic: SyntheticOptions,
  content: Content,
  { output, format }: { output: string | undefined; format: Format },
  stop: AbortSignal,
): Promise<void> {
  const population = populationOf(traffic.seed)
  const requests = requestStream(traffic, population, stop)
  await withOutput(output, stop, async (place) => {
    const sink = createSink(content, { format, output: place, seed: traffic.seed, population })
    for await (const batch of requests.batches()) await sink.write(batch)
    await sink.finish()
  })
  if (output !== undefined) say(`${requests.summary()} They are in ${output}.`)
}

/** Inserts traffic into the traffic table. Missing tables are created, as the service does. */
export async function insertRequests(
  sql: Sql,
  table: TrafficTable,
  traffic: SyntheticOptions,
  stop: AbortSignal,
): Promise<void> {
  await migrate(sql)
  const population = populationOf(traffic.seed)
  const requests = requestStream(traffic, population, stop)
  const { columns, lines } = requestRows(table, COPY_TEXT, traffic.seed, population)
  const count = await copyRequests(sql, {
    table,
    columns: columns.map(({ name }) => name),
    rows: pieces(requests, lines),
    range: requests.range,
    signal: stop,
    timeoutMs: COPY_TIMEOUT_MS,
  })
  say(`${requests.summary()} They are in ${table}, ${count.toLocaleString('en')} rows.`)
}

async function* pieces(
  requests: RequestStream,
  lines: ReturnType<typeof requestRows>['lines'],
): AsyncGenerator<string, void> {
  let text = ''
  for await (const batch of requests.batches()) {
    text += lines(batch)
    if (text.length < PIECE) continue
    yield text
    text = ''
  }
  if (text !== '') yield text
}

const say = (line: string) => void process.stderr.write(`${line}\n`)
