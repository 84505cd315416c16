import type { Cell, Column } from './column.js'

const LF = 0x0a

const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

/**
 * The cells of a line in the text format of PostgreSQL's COPY: columns between tabs, `\N` for "no value", other
 * special characters after a backslash. Times are expected in ISO-8601.
 *
 * @param line without its end
 */
export function copyTextCells(line: string, columns: readonly Column[]): Cell[] {
  return line.split('\t').map((text, index): Cell => {
    if (text === '\\N') return null
    switch (columns[index]!.kind) {
      case 'text':
        return text.includes('\\')
          ? text.replace(/\\(.)/gs, (_, code: string) => ESCAPES[code] ?? code)
          : text
      case 'time':
        return new Date(text)
      default:
        return Number(text)
    }
  })
}

/**
 * Rows out of the text format of COPY, in UTF-8, that comes in pieces of any size. A line end within a text is
 * escaped there, so each LF ends a row.
 */
export class CopyTextRows {
  #rest: Buffer = Buffer.alloc(0)

  constructor(private readonly columns: readonly Column[]) {}

  /** @returns the rows that this piece completes */
  take(piece: Buffer): Cell[][] {
    const text = this.#rest.length === 0 ? piece : Buffer.concat([this.#rest, piece])
    const end = text.lastIndexOf(LF) + 1
    this.#rest = text.subarray(end)
    if (end === 0) return []
    const lines = text.toString('utf8', 0, end - 1).split('\n')
    return lines.map((line) => copyTextCells(line, this.columns))
  }
}
