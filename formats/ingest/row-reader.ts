import { valueAt, type FieldMap } from './field-map.js'
import { ALLOWED, LENIENT, numberOf, REQUIRED_FIELDS, ROW_FIELDS, STRICT } from './row-fields.js'
import type { ReadValue, RowField } from './row-fields.js'
import { rowTimes } from './row-time.js'

/** A request with every value in the form that it is stored in. */
export interface RequestRow {
  /** Milliseconds since 1970. */
  readonly timestamp: number
  readonly method: string
  readonly path: string
  readonly status_code: number
  readonly response_time_ms: number | undefined
  readonly user_id: string | undefined
  readonly ip_address: string | undefined
  readonly user_agent: string | undefined
  readonly backend: string | undefined
  readonly request_id: string | undefined
  readonly error: string | undefined
}

/** Why a row cannot be stored. */
export type RowReason = 'missing' | 'invalid' | 'out_of_range' | 'not_json' | 'no_partition'

export class RowProblem {
  constructor(
    /** Undefined when the whole row is meant. */
    readonly field: RowField | undefined,
    readonly reason: RowReason,
    readonly value: unknown,
    /** In words. */
    readonly allowed: string,
  ) {}
}

export interface TimeRange {
  readonly fromMs: number
  readonly toMs: number
}

export type ReadRow = (row: unknown) => RequestRow | RowProblem

/** A reader of rows with the fields of the interface, each of them as it must be. */
export function strictRows(range: TimeRange): ReadRow {
  const time = rowTimes()
  return readerOf(range, (row, field, given) => {
    const value = row[field]
    if (value === undefined || value === null) return null
    given.value = value
    return field === 'timestamp' ? time(value) : STRICT[field](value)
  })
}

/** A reader of the rows of a server's log. */
export function mappedRows(range: TimeRange, map: FieldMap): ReadRow {
  const time = rowTimes()
  const read = (field: RowField): ReadValue => (field === 'timestamp' ? time : LENIENT[field])
  const fields = Object.fromEntries(
    ROW_FIELDS.map((field) => [field, { sources: map[field], read: read(field) }]),
  ) as Record<RowField, { sources: FieldMap[RowField]; read: ReadValue }>
  return readerOf(range, (row, field, given) => {
    const { sources, read } = fields[field]
    for (const { keys, factor } of sources) {
      const value = valueAt(row, keys)
      given.value = value
      if (value !== undefined) return read(factor === 1 ? value : multiplied(value, factor))
    }
    return null
  })
}

function multiplied(value: unknown, factor: number): unknown {
  const number = numberOf(value)
  return number === undefined ? value : number * factor
}

type Row = Readonly<Record<string, unknown>>

/**
 * @param take the value of a field, null if the row does not have it, undefined or NaN if it is not allowed; it puts
 * what was given into `given`
 */
function readerOf(
  { fromMs, toMs }: TimeRange,
  take: (row: Row, field: RowField, given: { value: unknown }) => ReturnType<ReadValue>,
): ReadRow {
  const given: { value: unknown } = { value: undefined }
  const values: (string | number | undefined)[] = new Array(ROW_FIELDS.length)
  return (entry) => {
    if (typeof entry !== 'object' || entry === null || Array.isArray(entry)) {
      return new RowProblem(undefined, 'invalid', entry, 'a JSON object')
    }
    const row = entry as Row
    let givenTime: unknown
    for (let index = 0; index < ROW_FIELDS.length; index++) {
      const field = ROW_FIELDS[index]!
      const value = take(row, field, given)
      if (value === null && REQUIRED_FIELDS.has(field)) {
        return new RowProblem(field, 'missing', undefined, ALLOWED[field])
      }
      if (value === undefined || Number.isNaN(value)) {
        return new RowProblem(field, 'invalid', given.value, ALLOWED[field])
      }
      values[index] = value ?? undefined
      if (index === 0) givenTime = given.value
    }
    const timeMs = values[0] as number
    if (!(timeMs >= fromMs && timeMs <= toMs)) {
      return new RowProblem('timestamp', 'out_of_range', givenTime, rangeText(fromMs, toMs))
    }
    return rowOf(values)
  }
}

const rangeText = (fromMs: number, toMs: number) =>
  `a time from ${new Date(fromMs).toISOString()} to ${new Date(toMs).toISOString()}`

/** Always the same shape, which keeps the code that reads it fast. */
function rowOf(values: readonly (string | number | undefined)[]): RequestRow {
  return {
    timestamp: values[0] as number,
    method: values[1] as string,
    path: values[2] as string,
    status_code: values[3] as number,
    response_time_ms: values[4] as number | undefined,
    user_id: values[5] as string | undefined,
    ip_address: values[6] as string | undefined,
    user_agent: values[7] as string | undefined,
    backend: values[8] as string | undefined,
    request_id: values[9] as string | undefined,
    error: values[10] as string | undefined,
  }
}
