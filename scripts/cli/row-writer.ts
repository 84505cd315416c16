import { csvHeader, csvRow } from '../../formats/export/csv.js'
import type { Cell, Column } from '../../formats/export/column.js'
import { jsonRow } from '../../formats/export/json.js'
import type { Output } from './output.js'
import { createParquetWriter } from './parquet-writer.js'

export const FORMATS = ['csv', 'json', 'parquet'] as const
export type Format = (typeof FORMATS)[number]

/** Writes rows in one of the formats, in constant memory. */
export interface RowWriter {
  write(rows: readonly (readonly Cell[])[]): Promise<void>
  /** Writes the end of the file. */
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

/** Writes one array of objects, one object per line. */
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
