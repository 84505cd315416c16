import type { Place } from '../../formats/ingest/body-reader.js'
import type { RowReason, RowProblem } from '../../formats/ingest/row-reader.js'
import { show } from '../http/validation.js'

/** A row that was not stored. */
export interface SkippedRow {
  /** `Line 4` or `requests[3]`. */
  readonly row: string
  readonly field: string | null
  readonly problem: string
}

export interface SkippedReason {
  readonly field: string | null
  readonly reason: RowReason
  readonly count: number
}

/** How many of the rows are named. */
const MAX_NAMED = 20

/** What was not stored and why. */
export class Skipped {
  count = 0
  readonly rows: SkippedRow[] = []
  readonly #reasons = new Map<string, { field: string | null; reason: RowReason; count: number }>()

  add(place: Place, problem: RowProblem): void {
    const { field = null, reason } = problem
    this.count++
    if (this.rows.length < MAX_NAMED) {
      this.rows.push({ row: placeName(place) || 'The body', field, problem: inWords(problem) })
    }
    const key = `${field} ${reason}`
    const entry = this.#reasons.get(key)
    if (entry) entry.count++
    else this.#reasons.set(key, { field, reason, count: 1 })
  }

  /** The most frequent first. */
  get reasons(): SkippedReason[] {
    return [...this.#reasons.values()].sort((a, b) => b.count - a.count)
  }
}

/** @example placeName({ kind: 'line', number: 4 }) // 'Line 4' */
export function placeName({ kind, number }: Place): string {
  if (kind === 'document') return ''
  return kind === 'line' ? `Line ${number}` : `requests[${number}]`
}

/** The name of a field in a row: `Line 4: path`, `requests[3].path`. */
export function rowFieldName(place: Place, field: string | undefined): string {
  const row = placeName(place)
  if (field === undefined) return row || 'The body'
  if (row === '') return field
  return place.kind === 'line' ? `${row}: ${field}` : `${row}.${field}`
}

export function inWords({ reason, value, allowed }: RowProblem): string {
  if (reason === 'not_json') return allowed
  return `${reason === 'missing' ? 'is required' : `is ${show(value)}`}; allowed is ${allowed}`
}
