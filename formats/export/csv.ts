import type { Cell, Column } from './column.js'

/**
 * A text as a spreadsheet may safely open it: one that begins like a formula (=, +, -, @, tab, line break) gets an
 * apostrophe in front, as OWASP advises against "CSV injection". For texts only: a negative number is a number.
 */
export function neutralised(text: string): string {
  return /^[=+\-@\t\r\n]/.test(text) ? `'${text}` : text
}

/**
 * One cell of CSV by RFC 4180: quoted when it holds a quote, a comma or a line break, and when it is an empty text,
 * since nothing at all is "no value". Times are ISO-8601 in UTC; numbers have the shortest form that reads back as
 * the same number; texts are {@link neutralised}.
 */
export function csvCell(cell: Cell): string {
  if (cell === null) return ''
  if (typeof cell === 'number' || typeof cell === 'boolean') return String(cell)
  if (typeof cell === 'object') return cell.toISOString()
  const text = neutralised(cell)
  return text === '' || /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A line of CSV with its end. */
export function csvRow(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

/** The first line. */
export function csvHeader(columns: readonly Column[]): string {
  return csvRow(columns.map(({ name }) => name))
}
