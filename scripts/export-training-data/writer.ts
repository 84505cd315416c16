import type { Column } from '../../formats/export/column.js'
import { CopyTextRows } from '../../formats/export/copy-text.js'
import { CrlfLines } from '../../formats/export/crlf.js'
import { csvHeader } from '../../formats/export/csv.js'
import type { Output } from '../cli/output.js'
import { createRowWriter, type Format } from '../cli/row-writer.js'

/** Takes the pieces of a COPY and writes them in the format that was asked for. */
export interface TrafficWriter {
  /** What the COPY has to be in. */
  readonly copyFormat: 'csv' | 'text'
  /** So far. */
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

/** The server's CSV is ours but for the line ends. */
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
