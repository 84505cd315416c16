import type { Column } from '../../formats/export/column.js'
import { CopyTextRows } from '../../formats/export/copy-text.js'
import { CrlfLines } from '../../formats/export/crlf.js'
import { csvHeader } from '../../formats/export/csv.js'
import type { Output } from '../cli/output.js'
import { createRowWriter, type Format } from '../cli/row-writer.js'

/** Writes the pieces of a COPY in the requested format. */
export interface TrafficWriter {
  /** The format that the COPY must have. */
  readonly copyFormat: 'csv' | 'text'
  /** Number of rows so far. */
  readonly rows: number
  write(piece: Buffer): Promise<void>
  finish(): Promise<void>
}

export function createTrafficWriter(
  format: Format,
  columns: readonly Column[],
  output: Output,
): TrafficWriter {
  return format === 'csv' ? passOn(columns, output) : rewrite(format, columns, output)
}

/** The CSV of PostgreSQL differs only in its line ends. */
function passOn(columns: readonly Column[], output: Output): TrafficWriter {
  const lines = new CrlfLines()
  let header: string | undefined = csvHeader(columns)
  return {
    copyFormat: 'csv',
    get rows() {
      return lines.lines
    },
    async write(piece) {
      if (header !== undefined) await output.write(header)
      header = undefined
      await output.write(lines.convert(piece))
    },
    finish: async () => undefined,
  }
}

function rewrite(format: Format, columns: readonly Column[], output: Output): TrafficWriter {
  const writer = createRowWriter(format, columns, output)
  const text = new CopyTextRows(columns)
  let rows = 0
  return {
    copyFormat: 'text',
    get rows() {
      return rows
    },
    async write(piece) {
      const complete = text.take(piece)
      rows += complete.length
      await writer.write(complete)
    },
    finish: () => writer.finish(),
  }
}
