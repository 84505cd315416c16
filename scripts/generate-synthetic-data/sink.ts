import type { TrafficTable } from '../../db/traffic/table.js'
import type { Cell } from '../../formats/export/column.js'
import { csvHeader } from '../../formats/export/csv.js'
import type { Population } from '../../models/synthetic/population.js'
import { AGGREGATE_COLUMNS, createRequestAggregator } from './request-aggregates.js'
import { CSV, requestRows } from './request-rows.js'
import type { RequestBatch } from '../../models/synthetic/requests.js'
import type { Output } from '../cli/output.js'
import { createRowWriter, type Format, type RowWriter } from '../cli/row-writer.js'

/** The content of the file: single requests, as rows of a table, or time buckets. */
export type Content =
  | { readonly type: 'requests'; readonly table: TrafficTable }
  | { readonly type: 'aggregated'; readonly bucketSeconds: number }

/** Writes requests in the form of the {@link Content}. */
export interface Sink {
  write(batch: Readonly<RequestBatch>): Promise<void>
  finish(): Promise<void>
}

interface Place {
  readonly format: Format
  readonly output: Output
  readonly seed: number
  readonly population: Population
}

export function createSink(content: Content, place: Place): Sink {
  const { format, output, seed, population } = place
  if (content.type === 'aggregated') {
    const writer = createRowWriter(format, AGGREGATE_COLUMNS, output)
    return aggregateSink(content.bucketSeconds, population, writer)
  }
  const rows = requestRows(content.table, CSV, seed, population)
  if (format === 'csv') return textSink(csvHeader(rows.columns), rows.lines, output)
  return cellSink(rows.cells, createRowWriter(format, rows.columns, output))
}

/** Characters, or rows, per write. */
const PIECE = 65_536
const ROWS = 250

function textSink(header: string, lines: (batch: Readonly<RequestBatch>) => string, output: Output): Sink {
  let text = header
  const flush = async () => {
    const piece = text
    text = ''
    await output.write(piece)
  }
  return {
    async write(batch) {
      text += lines(batch)
      if (text.length >= PIECE) await flush()
    },
    finish: flush,
  }
}

function cellSink(cells: (batch: Readonly<RequestBatch>, i: number) => Cell[], writer: RowWriter): Sink {
  const buffer = rowBuffer(writer)
  return {
    async write(batch) {
      for (let i = 0; i < batch.length; i++) buffer.add(cells(batch, i))
      await buffer.flushWhenFull()
    },
    finish: buffer.finish,
  }
}

function aggregateSink(bucketSeconds: number, population: Population, writer: RowWriter): Sink {
  const aggregator = createRequestAggregator(bucketSeconds, population)
  const buffer = rowBuffer(writer)
  return {
    async write(batch) {
      buffer.add(aggregator.add(batch))
      await buffer.flushWhenFull()
    },
    async finish() {
      buffer.add(aggregator.finish())
      await buffer.finish()
    },
  }
}

function rowBuffer(writer: RowWriter) {
  let rows: Cell[][] = []
  const flush = async () => {
    const full = rows
    rows = []
    await writer.write(full)
  }
  return {
    add: (row: Cell[] | undefined) => void (row && rows.push(row)),
    flushWhenFull: async () => {
      if (rows.length >= ROWS) await flush()
    },
    async finish() {
      await flush()
      await writer.finish()
    },
  }
}
