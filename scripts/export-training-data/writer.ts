import type { Column } from '../../models/export/column.js'
import { copyTextCells } from '../../models/export/copy-text.js'
import { CrlfLines } from '../../models/export/crlf.js'
import { csvHeader } from '../../models/export/csv.js'
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

const LF = 0x0a

function rewrite(format: Format, columns: readonly Column[], output: Output): TrafficWriter {
  const writer = createRowWriter(format, columns, output)
  let rest: Buffer = Buffer.alloc(0)
  let rows = 0
  return {
    copyFormat: 'text',
    get rows() {
      return rows
    },
    async write(piece) {
      const text = rest.length === 0 ? piece : Buffer.concat([rest, piece])
      const end = text.lastIndexOf(LF) + 1
      rest = text.subarray(end)
      if (end === 0) return
      const lines = text.toString('utf8', 0, end - 1).split('\n')
      rows += lines.length
      await writer.write(lines.map((line) => copyTextCells(line, columns)))
    },
    finish: () => writer.finish(),
  }
}
