import { utf8 } from './field-text.js'
import type { JsonNames } from './json-fields.js'
import { createJsonParser } from './json-line.js'
import { meaningsOfPath } from './json-names.js'
import { NO_REQUEST, type LineParser, type Reading } from './log-entry.js'

const NON_ASCII = /[\x80-\xff]/
const SEPARATORS = ['\t', ',', ';', '|']
/** A name of a column, such as `Response Time (ms)`. */
const COLUMN = /^[A-Za-z@_#][\w @.,:#()[\]{}/%-]{0,79}$/
const MIN_COLUMNS = 3
const MAX_HEADER_LENGTH = 8192
/** Columns of Tyk's: its times are ms. */
const TYK = ['APIName', 'APIKey', 'RequestTime']

/**
 * Reads lines of values with a comma, a tab, a semicolon or a bar between them, whose header names the columns
 * (RFC 4180). The names mean what those of JSON mean. A header later in the log counts for the lines after it. A value
 * with a line break in it is not read.
 */
export function createCsvParser(names: JsonNames, reading: Reading): LineParser {
  let header: Header | undefined
  let parse: LineParser | undefined
  return (line, entry, outerMs) => {
    const found = headerOf(line, names)
    if (found !== undefined) {
      const { columns, separator } = (header = found)
      const toObject = (text: string) => rowOf(text, columns, separator)
      const unit = TYK.every((column) => columns.includes(column)) ? { latency_ms: 'RequestTime' } : {}
      parse = createJsonParser({ names: { ...unit, ...names }, reading, toObject })
      return NO_REQUEST
    }
    if (header === undefined || parse === undefined) return 'no header before it'
    return parse(line, entry, outerMs)
  }
}

interface Header {
  readonly columns: readonly string[]
  readonly separator: string
}

/** A line of names, among them those of a time, of a status, and of a request. */
function headerOf(line: string, names: JsonNames): Header | undefined {
  if (line.length > MAX_HEADER_LENGTH || !/^["A-Za-z@_#]/.test(line)) return undefined
  const separator = SEPARATORS.find((each) => line.includes(each))
  if (separator === undefined) return undefined
  const columns = cellsOf(line, separator)
  if (columns === undefined || columns.length < MIN_COLUMNS || !columns.every((name) => COLUMN.test(name)))
    return undefined
  const given = Object.entries(names).filter(([, name]) => columns.includes(name))
  const fields = new Set<string>(given.map(([field]) => field))
  for (const column of columns) for (const { field } of meaningsOfPath([column])) fields.add(field)
  const hasRequest = fields.has('path') || fields.has('request')
  return fields.has('timestamp') && fields.has('status') && hasRequest ? { columns, separator } : undefined
}

function rowOf(line: string, columns: readonly string[], separator: string): Record<string, string> | string {
  const cells = cellsOf(NON_ASCII.test(line) ? utf8(line) : line, separator)
  if (cells === undefined) return 'quotes that do not end'
  if (cells.length !== columns.length) return `${cells.length} values for ${columns.length} columns`
  const row: Record<string, string> = {}
  columns.forEach((column, index) => (row[column] = cells[index]!))
  return row
}

/** The values of a line; undefined when quotes do not end. Linear in the line. */
function cellsOf(line: string, separator: string): string[] | undefined {
  if (!line.includes('"')) return line.split(separator)
  const cells: string[] = []
  for (let at = 0; ;) {
    let cell = ''
    if (line[at] === '"') {
      let end = line.indexOf('"', at + 1)
      for (; end >= 0 && line[end + 1] === '"'; end = line.indexOf('"', at + 1)) {
        cell += line.slice(at + 1, end + 1)
        at = end + 1
      }
      if (end < 0) return undefined
      cell += line.slice(at + 1, end)
      at = end + 1
    }
    const end = line.indexOf(separator, at)
    cells.push(cell + line.slice(at, end < 0 ? undefined : end))
    if (end < 0) return cells
    at = end + 1
  }
}
