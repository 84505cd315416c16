import type { Sql } from 'postgres'
import { markIncident, MAX_ENTRIES, type MadeMark } from '../../db/own/incident-marks.js'
import type { StoredIncident } from '../../db/own/incidents.js'
import { ServiceError } from '../http/errors.js'

/**
 * Makes a mark on an incident; it is durable when this returns. The same mark again changes nothing.
 * @throws ServiceError INCIDENT_NOT_FOUND, INCIDENT_CLOSED, INVALID_REQUEST
 */
export async function mark(sql: Sql, id: string, made: MadeMark): Promise<StoredIncident> {
  if (made.mark === 'comment' && made.note === null) {
    const problem = 'is required; allowed is a text of 1 to 2000 characters'
    throw new ServiceError('INVALID_REQUEST', `note ${problem}.`, [{ field: 'note', problem }])
  }
  const marked = await markIncident(sql, id, made)
  if (marked === undefined) throw notFound(id)
  const { incident, refused } = marked
  if (refused === 'entries') {
    const message = `Incident ${id} has at least ${MAX_ENTRIES} entries, which is all that it takes. Keep further ${made.mark === 'comment' ? 'comments' : 'marks'} elsewhere.`
    throw new ServiceError('INCIDENT_CLOSED', message)
  }
  if (refused === 'state') throw closed(incident)
  return incident
}

export function notFound(id: string): ServiceError {
  return new ServiceError(
    'INCIDENT_NOT_FOUND',
    `There is no incident ${id}. GET /incidents lists all of them.`,
  )
}

function closed({ id, state, resolvedAt, resolvedBy }: StoredIncident): ServiceError {
  const by = resolvedBy === null ? '' : ` by ${resolvedBy}`
  const since = resolvedAt === null ? '' : ` at ${resolvedAt.toISOString()}${by}`
  const next =
    state === 'resolved'
      ? 'Allowed is false-positive, or a comment.'
      : 'Allowed is acknowledge, or a comment.'
  const what = state === 'resolved' ? 'resolved' : 'marked as a false positive'
  return new ServiceError('INCIDENT_CLOSED', `Incident ${id} was ${what}${since}. ${next}`)
}
