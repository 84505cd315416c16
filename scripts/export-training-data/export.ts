import type { Sql } from 'postgres'
import {
  countExportRows,
  exportTraffic,
  trafficTotals,
  type TrafficSelection,
} from '../../db/traffic/export.js'
import { hasBuckets, trafficColumns } from '../../formats/export/traffic-columns.js'
import { NoDataError } from '../cli/errors.js'
import { withOutput } from '../cli/output.js'
import { startProgress } from '../cli/progress.js'
import type { Format } from '../cli/row-writer.js'
import { createTrafficWriter } from './writer.js'

interface Options {
  readonly format: Format
  readonly output: string | undefined
  readonly stats: boolean
}

/**
 * Writes the selected traffic.
 * @throws NoDataError when there is none; no file is left then
 */
export async function exportData(
  sql: Sql,
  selection: TrafficSelection,
  { format, output, stats }: Options,
  stop: AbortSignal,
): Promise<void> {
  const progress = startProgress('rows')
  let rows
  try {
    rows = await withOutput(output, stop, async (place) => {
      const writer = createTrafficWriter(format, trafficColumns(selection.type), place)
      for await (const piece of exportTraffic(sql, selection, writer.copyFormat, stop)) {
        await writer.write(piece)
        progress.update(shareDone(selection, piece), writer.rows)
      }
      if (writer.rows === 0) throw nothingIn(selection)
      await writer.finish()
      return writer.rows
    })
  } finally {
    progress.stop()
  }
  if (stats) say(`${count(rows)} rows exported. ${await summary(sql, selection)}`)
}

/** Prints what {@link exportData} would write. */
export async function describeExport(
  sql: Sql,
  selection: TrafficSelection,
  stop: AbortSignal,
): Promise<void> {
  const rows = await countExportRows(sql, selection, stop)
  if (rows === 0) throw nothingIn(selection)
  const columns = trafficColumns(selection.type).map(({ name }) => name)
  say(`${count(rows)} rows would be exported. ${await summary(sql, selection)}`)
  say(`Columns: ${columns.join(', ')}`)
}

async function summary(sql: Sql, selection: TrafficSelection): Promise<string> {
  const { requests, first, last, errors, avgLatencyMs } = await trafficTotals(sql, selection)
  const latency = avgLatencyMs === null ? 'no latencies' : `${avgLatencyMs.toFixed(1)} ms on average`
  const share = ((100 * errors) / Math.max(1, requests)).toFixed(2)
  return (
    `Table ${selection.table}, ${rangeInWords(selection)}: ${count(requests)} requests, the first at ` +
    `${first?.toISOString()}, the last at ${last?.toISOString()}; ${count(errors)} errors (${share} %), ${latency}.`
  )
}

function nothingIn(selection: TrafficSelection): NoDataError {
  return new NoDataError(
    `no data: the table ${selection.table} has no requests ${rangeInWords(selection)}. Choose another range or --table.`,
  )
}

const rangeInWords = ({ from, to }: TrafficSelection) => `from ${from.toISOString()} to ${to.toISOString()}`
const count = (value: number) => value.toLocaleString('en')
const say = (line: string) => void process.stderr.write(`${line}\n`)

/** The share of the range up to the newest complete row of a piece. 0 for rows without a time: they arrive together. */
function shareDone({ type, from, to }: TrafficSelection, piece: Buffer): number {
  const start = piece.lastIndexOf('\n', -2) + 1
  const at = Date.parse(piece.toString('latin1', start, start + 24))
  if (!hasBuckets(type) || Number.isNaN(at)) return 0
  return (at - from.getTime()) / (to.getTime() - from.getTime())
}
