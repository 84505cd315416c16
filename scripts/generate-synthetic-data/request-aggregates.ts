import type { AnomalyType } from '../../models/anomaly/verdict.js'
import type { Cell, Column } from '../../formats/export/column.js'
import { trafficColumns } from '../../formats/export/traffic-columns.js'
import type { Population } from '../../models/synthetic/population.js'
import type { RequestBatch } from '../../models/synthetic/requests.js'

/** The columns of the aggregated export, and the label of the incident, also as the Python service had it. */
export const AGGREGATE_COLUMNS: readonly Column[] = [
  ...trafficColumns('aggregated'),
  { name: 'is_anomaly', kind: 'boolean' },
  { name: 'anomaly_type', kind: 'text' },
  { name: 'label', kind: 'text' },
]

/** Aggregates requests by time bucket. */
export interface RequestAggregator {
  /** Adds a batch, in order of time. Returns the row of the previous bucket if this batch ends it. */
  add(batch: Readonly<RequestBatch>): Cell[] | undefined
  /** Returns the row of the last bucket, if it has a request. */
  finish(): Cell[] | undefined
}

/**
 * Aggregates as the SQL of the export does: percentiles as percentile_cont (type 7), the standard deviation of the
 * sample (null for a single request), 4xx and 5xx as errors. The label is the incident with the most minutes with
 * requests in the bucket, or null. The result is exact and needs constant memory, because latencies are whole
 * milliseconds and the clients are known in advance. The rows have the {@link AGGREGATE_COLUMNS}. Buckets without
 * requests have no row.
 *
 * @param bucketSeconds whole minutes; buckets begin at multiples of it since 1970
 */
export function createRequestAggregator(bucketSeconds: number, population: Population): RequestAggregator {
  const bucketMs = bucketSeconds * 1000
  const sums = createSums(population)
  let start: number | undefined
  const finish = () => {
    if (start === undefined) return undefined
    const row = rowOf(start, bucketSeconds, sums)
    sums.clear()
    start = undefined
    return row
  }
  return {
    add(batch) {
      const own = Math.floor(batch.minuteMs / bucketMs) * bucketMs
      const row = own === start ? undefined : finish()
      start = own
      sums.add(batch)
      return row
    },
    finish,
  }
}

type Sums = ReturnType<typeof createSums>

function createSums({ clients }: Population) {
  const addressOf = numbered(clients.map(({ address }) => address))
  const userOf = numbered(clients.map(({ userId }) => userId))
  const latencies = createCounts()
  const classes = new Float64Array(6)
  const addresses = new Uint8Array(clients.length)
  const users = new Uint8Array(clients.length)
  const labels = new Map<AnomalyType, number>()
  let labelled = NaN
  return {
    latencies,
    classes,
    addresses: () => addresses.reduce((sum, seen) => sum + seen, 0),
    users: () => users.reduce((sum, seen) => sum + seen, 0),
    label: () => [...labels].reduce((most, next) => (next[1] > most[1] ? next : most), NO_LABEL)[0],
    add(batch: Readonly<RequestBatch>) {
      for (let i = 0; i < batch.length; i++) {
        const client = batch.client[i]!
        addresses[addressOf[client]!] = 1
        if (clients[client]!.userId !== null) users[userOf[client]!] = 1
        const statusClass = Math.floor(batch.status[i]! / 100)
        classes[statusClass] = classes[statusClass]! + 1
        latencies.add(batch.latencyMs[i]!)
      }
      if (batch.label !== null && batch.minuteMs !== labelled) {
        labels.set(batch.label, (labels.get(batch.label) ?? 0) + 1)
        labelled = batch.minuteMs
      }
    },
    clear() {
      latencies.clear()
      for (const counts of [classes, addresses, users]) counts.fill(0)
      labels.clear()
    },
  }
}

const NO_LABEL: readonly [AnomalyType | null, number] = [null, 0]

/** Numbers the distinct values from 0. */
function numbered(values: readonly unknown[]): Uint16Array {
  const numbers = new Map<unknown, number>()
  return Uint16Array.from(values, (value) => {
    if (!numbers.has(value)) numbers.set(value, numbers.size)
    return numbers.get(value)!
  })
}

/** Counts of whole numbers. */
function createCounts() {
  const counts = new Float64Array(65_536)
  let n = 0
  let sum = 0
  let squares = 0
  let min = counts.length
  let max = 0
  return {
    add(value: number) {
      counts[value] = counts[value]! + 1
      n++
      sum += value
      squares += value * value
      if (value < min) min = value
      if (value > max) max = value
    },
    clear() {
      counts.fill(0, 0, max + 1)
      n = sum = squares = max = 0
      min = counts.length
    },
    total: () => n,
    mean: () => sum / n,
    min: () => min,
    max: () => max,
    /** Standard deviation of the sample, with n − 1. */
    deviation: () => (n < 2 ? null : Math.sqrt(Math.max(0, n * squares - sum * sum) / (n * (n - 1)))),
    /** Type 7 of Hyndman and Fan. */
    quantile(p: number): number {
      const position = (n - 1) * p
      const below = Math.floor(position)
      let value = min
      let passed = counts[value]!
      while (passed <= below) passed += counts[++value]!
      const lower = value
      while (passed <= below + 1 && value < max) passed += counts[++value]!
      return lower + (value - lower) * (position - below)
    },
  }
}

function rowOf(startMs: number, bucketSeconds: number, sums: Sums): Cell[] {
  const { latencies } = sums
  const total = latencies.total()
  const [, , ok, redirected, client, server] = sums.classes as unknown as number[]
  const errors = client! + server!
  const label = sums.label()
  return [
    new Date(startMs),
    total,
    total / bucketSeconds,
    latencies.mean(),
    ...[0.5, 0.95, 0.99].map((p) => latencies.quantile(p)),
    latencies.min(),
    latencies.max(),
    latencies.deviation(),
    ...[ok!, redirected!, client!, server!, errors],
    ...[errors, client!, server!, ok! + redirected!].map((count) => count / total),
    sums.addresses(),
    sums.users(),
    label !== null,
    label,
    label,
  ]
}
