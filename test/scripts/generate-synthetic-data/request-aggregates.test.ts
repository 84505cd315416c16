import t from 'tap'
import { migrate } from '../../../db/migrate.js'
import { copyRequests } from '../../../db/traffic/copy-in.js'
import { exportTraffic } from '../../../db/traffic/export.js'
import type { Cell } from '../../../formats/export/column.js'
import { copyTextCells } from '../../../formats/export/copy-text.js'
import { trafficColumns } from '../../../formats/export/traffic-columns.js'
import {
  AGGREGATE_COLUMNS,
  createRequestAggregator,
} from '../../../scripts/generate-synthetic-data/request-aggregates.js'
import { COPY_TEXT, requestRows } from '../../../scripts/generate-synthetic-data/request-rows.js'
import { generateRequests, populationOf } from '../../../models/synthetic/requests.js'
import { generateTraffic, type SyntheticOptions } from '../../../models/synthetic/traffic.js'
import { testDatabase } from '../../postgres.js'

const OPTIONS: SyntheticOptions = {
  minutes: 300,
  baseRps: 3,
  anomalyRate: 0.3,
  seed: 5,
  startMs: Date.UTC(2026, 0, 5, 22, 17),
}
/** A range that cuts no bucket. */
const WHOLE_DAYS = { from: new Date('2026-01-05'), to: new Date('2026-01-07') }
const population = populationOf(OPTIONS.seed)
const COLUMNS = trafficColumns('aggregated')

function aggregated(options: SyntheticOptions, bucketSeconds: number): Cell[][] {
  const aggregator = createRequestAggregator(bucketSeconds, population)
  const rows: Cell[][] = []
  const keep = (row: Cell[] | undefined) => void (row && rows.push(row))
  for (const batch of generateRequests(options, population)) keep(aggregator.add(batch))
  keep(aggregator.finish())
  return rows
}

t.test('rows are what PostgreSQL makes of the same requests', async (t) => {
  const { sql } = await testDatabase(t)
  await migrate(sql)
  const from = new Date(OPTIONS.startMs)
  const to = new Date(OPTIONS.startMs + OPTIONS.minutes * 60_000)
  const signal = new AbortController().signal
  for (const table of ['request_logs', 'request_metrics'] as const) {
    const { columns, lines } = requestRows(table, COPY_TEXT, OPTIONS.seed, population)
    function* pieces() {
      for (const batch of generateRequests(OPTIONS, population)) yield lines(batch)
    }
    await copyRequests(sql, {
      table,
      columns: columns.map(({ name }) => name),
      rows: pieces(),
      range: { from, to },
      signal,
      timeoutMs: 30_000,
    })
    for (const bucketSeconds of [60, 300, 3600, 86_400]) {
      const selection = { table, type: 'aggregated' as const, ...WHOLE_DAYS, bucketSeconds }
      let text = ''
      for await (const piece of exportTraffic(sql, selection, 'text', signal)) text += piece.toString()
      const expected = text
        .trimEnd()
        .split('\n')
        .map((line) => rounded(copyTextCells(line, COLUMNS)))
      const rows = aggregated(OPTIONS, bucketSeconds).map((row) => rounded(row.slice(0, -3)))
      t.strictSame(rows, expected, `${table}, ${bucketSeconds} s`)
    }
  }
})

/** The standard deviation, which is a root of a difference, to twelve digits; all else to the last one. */
function rounded(row: Cell[]): Cell[] {
  const at = COLUMNS.findIndex(({ name }) => name === 'stddev_latency_ms')
  return row.map((cell, index) =>
    index === at && cell !== null ? Number((cell as number).toPrecision(12)) : cell,
  )
}

t.test('minutes are labelled with their incident, hours with that of most of their minutes', async (t) => {
  t.strictSame(AGGREGATE_COLUMNS.at(-1), { name: 'label', kind: 'text' })
  const options = { ...OPTIONS, baseRps: 20, startMs: Date.UTC(2026, 0, 5) }
  const labels = new Map([...generateTraffic(options)].map(({ timestampMs, label }) => [timestampMs, label]))
  for (const row of aggregated(options, 60)) {
    if (row.at(-1) !== labels.get((row[0] as Date).getTime())) t.fail(`the label of ${String(row[0])}`)
  }
  const minutes = aggregated(options, 60)
  const hours = aggregated(options, 3600)
  t.equal(hours.length, 5)
  for (const hour of hours) {
    const start = (hour[0] as Date).getTime()
    const counts = new Map<Cell, number>()
    for (const row of minutes) {
      const minute = (row[0] as Date).getTime()
      const label = row.at(-1)!
      if (minute >= start && minute < start + 3_600_000 && label !== null)
        counts.set(label, (counts.get(label) ?? 0) + 1)
    }
    t.equal(counts.get(hour.at(-1)!) ?? 0, Math.max(0, ...counts.values()))
  }
  t.ok(hours.some((hour) => hour.at(-1) !== null))
})

t.test('minutes without a request are left out, and a single request has no deviation', async (t) => {
  const rows = aggregated({ ...OPTIONS, baseRps: 0.01, anomalyRate: 0 }, 60)
  t.ok(rows.length > 50 && rows.length < 250)
  const stddev = COLUMNS.findIndex(({ name }) => name === 'stddev_latency_ms')
  t.ok(rows.every((row) => (row[1] === 1) === (row[stddev] === null)))
  t.strictSame(aggregated({ ...OPTIONS, minutes: 0 }, 60), [])
})
