import type { AnomalyType, Severity } from '../anomaly/verdict.js'
import type { Impact } from './impact.js'
import type { Series } from './series-minute.js'

/** A series in an incident. */
export interface Member {
  readonly series: Series
  /** Whether it has had an alarm itself. Otherwise it only has a part in the deviation of the gateway. */
  readonly isAlarmed: boolean
  readonly startedMs: number
  /** Its last minute with an alarm, or with a part in one. */
  readonly lastMs: number
  /** Minutes by type of alarm. */
  readonly types: Partial<Record<AnomalyType, number>>
  readonly severity: Severity
  readonly explanation: string
  readonly impact: Impact
}

/** An incident that is open, or may go on after a pause. */
export interface OpenIncident {
  readonly number: number
  readonly startedMs: number
  /** The minute of its first alarm; books of older releases do not say it. */
  readonly openedMs?: number
  /** Its last minute with an alarm. */
  readonly lastMs: number
  readonly severity: Severity
  readonly peak: { readonly severity: Severity; readonly timeMs: number; readonly explanation: string }
  readonly members: readonly Member[]
  /** Somebody resolved it while it went on: its series stay in it and open no other, and nothing joins it. */
  readonly isClosed?: boolean
}

/** All that is remembered of incidents. Immutable, plain JSON. */
export interface BookState {
  /** The number of the last incident; 0 before the first. */
  readonly count: number
  readonly open: readonly OpenIncident[]
}

/** The book, with these incidents closed and all others not. */
export function withClosed(book: BookState, numbers: ReadonlySet<number>): BookState {
  const isSaid = ({ number, isClosed = false }: OpenIncident) => isClosed === numbers.has(number)
  if (book.open.every(isSaid)) return book
  return { ...book, open: book.open.map((each) => ({ ...each, isClosed: numbers.has(each.number) })) }
}

export const EMPTY_BOOK: BookState = { count: 0, open: [] }
