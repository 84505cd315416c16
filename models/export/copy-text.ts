import type { Cell, Column } from './column.js'

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
