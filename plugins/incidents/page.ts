import type { IncidentFilter, IncidentPlace } from '../../db/own/incidents.js'
import { GATEWAY } from '../../models/stream/stream-state.js'
import { invalidField } from '../http/errors.js'
import { parseTime } from '../http/validation.js'

/** Which incidents are asked for; times are ISO-8601. */
export interface IncidentsRequest extends Partial<
  Pick<IncidentFilter, 'states' | 'types' | 'severities' | 'source' | 'endpoint' | 'limit'>
> {
  readonly from?: string | undefined
  readonly to?: string | undefined
  /** Where the page begins. */
  readonly next?: string | undefined
}

const DEFAULT_LIMIT = 50
/** PostgreSQL does not read the years after 9999 as a Date writes them. */
const MAX_TIME_MS = Date.UTC(10_000, 0) - 1

/** @throws ServiceError INVALID_REQUEST */
export function filterOf({ from, to, next, ...rest }: IncidentsRequest): IncidentFilter {
  const time = (text: string | undefined) => (text === undefined ? null : new Date(parseTime(text)!)) // of the schema
  const range = { from: time(from), to: time(to) }
  if (range.from && range.to && range.from >= range.to) {
    throw invalidField('from', `is ${range.from.toISOString()}; allowed is a time before to`)
  }
  return {
    ...{ states: [], types: [], severities: [], source: null, endpoint: null, limit: DEFAULT_LIMIT },
    ...rest,
    ...range,
    after: next === undefined ? null : placeOf(next),
    gatewayName: GATEWAY,
  }
}

/** @throws ServiceError INVALID_REQUEST */
export function placeOf(next: string): IncidentPlace {
  const [start = '', id = ''] = next.split('-')
  const startedMs = parseInt(start, 36)
  if (startedMs <= MAX_TIME_MS) return { startedMs, id }
  throw invalidField('next', `is "${next}"; allowed is next of the page before`)
}

/** A place as text. */
export function nextOf({ startedMs, id }: IncidentPlace): string {
  return `${startedMs.toString(36)}-${id}`
}
