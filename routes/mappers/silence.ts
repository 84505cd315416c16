import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { Silence } from '../schemas/silences.js'

type Listed = Awaited<ReturnType<FastifyInstance['silences']['get']>>

const WEEKDAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

/** A silence as HTTP has it. */
export function toSilence(silence: Listed): Static<typeof Silence> {
  const { id, source, endpoint, type, fromMs, toMs, recurring, reason, createdBy, isInForce } = silence
  return {
    ...{ id, source, endpoint, type },
    from: new Date(fromMs).toISOString(),
    to: toMs === null ? null : new Date(toMs).toISOString(),
    recurring: recurring && {
      days: recurring.days.map((day) => WEEKDAYS[day]!),
      start: clock(recurring.startMinute),
      end: clock(recurring.endMinute),
    },
    ...{ reason, created_by: createdBy, in_force: isInForce },
    created_at: silence.createdAt.toISOString(),
    updated_at: silence.updatedAt.toISOString(),
  }
}

/** A minute of the day as 22:05. */
function clock(minute: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`
}
