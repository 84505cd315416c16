import { csvHeader, csvRow } from '../../formats/export/csv.js'
import type { Cell, Column } from '../../formats/export/column.js'
import { jsonRow } from '../../formats/export/json.js'
import type { Output } from './output.js'
import { createParquetWriter } from './parquet-writer.js'

export const FORMATS = ['csv', 'json', 'parquet'] as const
export type Format = (typeof FORMATS)[number]

/** Writes rows in one of the formats, in memory that does not grow with their number. */
export interface RowWriter {
  write(rows: readonly (readonly Cell[])[]): Promise<void>
  /** Writes what comes after the last row. */
  finish(): Promise<void>
}

export function createRowWriter(format: Format, columns: readonly Column[], output: Output): RowWriter {
  switch (format) {
    case 'csv':
      return createCsvWriter(columns, output)
    case 'json':
      return createJsonWriter(columns, output)
    case 'parquet':
      return createParquetWriter(columns, output)
  }
}

function createCsvWriter(columns: readonly Column[], output: Output): RowWriter {
  let head = csvHeader(columns)
  const write = async (rows: readonly (readonly Cell[])[]) => {
    const text = head + rows.map(csvRow).join('')
    head = ''
    await output.write(text)
  }
  return { write, finish: () => write([]) }
}

/** One array of objects, a line for each. */
function createJsonWriter(columns: readonly Column[], output: Output): RowWriter {
  let before = '[\n'
  return {
    async write(rows) {
      if (rows.length === 0) return
      await output.write(before + rows.map((row) => jsonRow(columns, row)).join(',\n'))
      before = ',\n'
    },
    finish: () => output.write(before === ',\n' ? '\n]\n' : '[]\n'),
  }
}
