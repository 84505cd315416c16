import type { NewSilence } from '../../db/own/silences.js'
import type { AnomalyType } from '../../models/anomaly/verdict.js'
import type { Recurrence } from '../../models/incidents/silence.js'
import { canonicalEndpoint } from '../../models/traffic/endpoint-name.js'
import { invalidField } from '../http/errors.js'
import { parseTime } from '../http/validation.js'

/** A silence as it is asked for; times are ISO-8601. */
export interface SilenceRequest {
  readonly source?: string | null | undefined
  readonly endpoint?: string | null | undefined
  readonly type?: AnomalyType | null | undefined
  readonly from?: string | null | undefined
  readonly to?: string | null | undefined
  readonly recurring?:
    { readonly days: readonly string[]; readonly start: string; readonly end: string } | null | undefined
  readonly reason: string
  readonly createdBy?: string | null | undefined
}

const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

/** @throws ServiceError INVALID_REQUEST */
export function silenceFrom(request: SilenceRequest, now: Date): NewSilence {
  const { source = null, endpoint = null, type = null, reason, createdBy = null } = request
  const recurring = request.recurring ? recurrenceOf(request.recurring) : null
  const time = (text: string | null | undefined) => (text == null ? null : parseTime(text)!)
  const fromMs = time(request.from) ?? now.getTime()
  const toMs = time(request.to)
  if (toMs === null && recurring === null) throw invalidField('to', 'is required without recurring')
  if (toMs !== null && toMs <= fromMs) {
    throw invalidField('to', `is ${new Date(toMs).toISOString()}; allowed is a time after from`)
  }
  return {
    source,
    endpoint: endpoint && canonicalEndpoint(endpoint),
    type,
    fromMs,
    toMs,
    recurring,
    reason,
    createdBy,
  }
}

function recurrenceOf({ days, start, end }: NonNullable<SilenceRequest['recurring']>): Recurrence {
  const numbers = new Set(days.map((day) => WEEKDAYS.findIndex((name) => name === day)))
  return { days: [...numbers].sort(), startMinute: minuteOf(start), endMinute: minuteOf(end) }
}

/** Of the day; the schema has checked the text. */
function minuteOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return (hours * 60 + minutes) % 1440
}
