import { windowsOf, type Series } from './series.js'

/** Times of incidents, ms since 1970: from and to, both inclusive. */
export type LabelledTimes = readonly (readonly [number, number])[]

const TIME = /^(t|ts|time|times|timestamp|date|datetime)$/i
const VALUE = /^(v|value|values)$/i
const LABEL = /^(label|labels|anomaly|is_anomaly|isanomaly)$/i

/** The fewest rows that can be judged. */
const MIN_ROWS = 100

/**
 * Reads a series from a table with time, value and label. A header names the columns in any order; without it, they come
 * in this order. Times are seconds or ms since 1970, or dates (UTC without an offset). Rows may come in any order; of
 * several with the same time, the last one counts. Rows without a value are left out.
 *
 * @param incidents instead of labels
 * @throws Error that names the line
 */
export function parseSeries(
  text: string,
  incidents?: LabelledTimes,
): Pick<Series, 'timesMs' | 'values' | 'windows'> {
  const lines = text.split(/\r?\n/)
  const first = cellsOf(lines[0] ?? '')
  const hasHeader = first.some((cell) => VALUE.test(cell))
  const columns = hasHeader ? columnsOf(first) : { time: 0, value: 1, label: first.length > 2 ? 2 : -1 }
  const rows = new Map<number, { value: number; isLabelled: boolean }>()
  for (let i = hasHeader ? 1 : 0; i < lines.length; i++) {
    const cells = cellsOf(lines[i]!)
    const given = cells[columns.value] ?? ''
    if (given === '') continue
    const timeMs = timeOf(cells[columns.time] ?? '')
    const value = Number(given)
    if (Number.isNaN(timeMs)) throw new Error(`line ${i + 1}: the time must be a number or a date.`)
    if (!(value >= 0 && value <= 1e12)) throw new Error(`line ${i + 1}: the value must be from 0 to 1e12.`)
    const isLabelled = incidents
      ? incidents.some(([from, to]) => timeMs >= from && timeMs <= to)
      : /^(1(\.0*)?|true)$/i.test(cells[columns.label] ?? '')
    rows.set(timeMs, { value, isLabelled })
  }
  const sorted = [...rows].sort(([a], [b]) => a - b)
  if (sorted.length < MIN_ROWS) throw new Error(`a series needs at least ${MIN_ROWS} rows with a value.`)
  return {
    timesMs: Float64Array.from(sorted, ([timeMs]) => timeMs),
    values: Float64Array.from(sorted, ([, { value }]) => value),
    windows: windowsOf((row) => sorted[row]![1].isLabelled, sorted.length),
  }
}

/**
 * Windows of incidents by the name of a file, as in `{"realTweets/a.csv": [["2015-02-26 21:42:53", "2015-02-27 01:00:00"]]}`.
 * @throws Error for JSON of another form
 */
export function parseWindows(text: string): Map<string, LabelledTimes> {
  const all = JSON.parse(text) as Record<string, [string, string][]>
  return new Map(
    Object.entries(all).map(([name, windows]) => {
      if (!Array.isArray(windows) || !windows.every(Array.isArray)) {
        throw new Error(
          `it is not a list of windows for each series: see ${name}. Move other JSON files elsewhere.`,
        )
      }
      const times = windows.map((window) => window.map((time) => timeOf(String(time))) as [number, number])
      if (times.some((window) => window.length !== 2 || window.some(Number.isNaN))) {
        throw new Error(`the windows of ${name} must be pairs of times.`)
      }
      return [name, times]
    }),
  )
}

function columnsOf(header: readonly string[]): { time: number; value: number; label: number } {
  const find = (name: RegExp) => header.findIndex((cell) => name.test(cell))
  const columns = { time: find(TIME), value: find(VALUE), label: find(LABEL) }
  if (columns.time < 0) throw new Error('line 1: the header has no column of time.')
  return columns
}

function cellsOf(line: string): string[] {
  return line.split(',').map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'))
}

/** Seconds since 1970 stay below this until the year 5138; ms have exceeded it since March 1973. */
const MAX_SECONDS = 1e11

function timeOf(text: string): number {
  const number = text === '' ? NaN : Number(text)
  if (!Number.isNaN(number)) return number < MAX_SECONDS ? number * 1000 : number
  const hasOffset = /(z|[+-]\d{2}:?\d{2})$/i.test(text)
  return Date.parse(hasOffset || !text.includes(':') ? text : `${text.replace(' ', 'T')}Z`)
}
