import type { WrittenIncident } from '../../db/own/incident-book.js'
import type { StoredIncident } from '../../db/own/incidents.js'
import type { SilencedSubject } from '../../models/incidents/silence.js'
import { GATEWAY } from '../../models/stream/stream-state.js'

export type NotificationEvent = 'started' | 'changed' | 'ended' | 'test'

/** What a receiver is told, as JSON. */
export interface Notification {
  /** The same at each attempt. */
  readonly id: string
  readonly event: NotificationEvent
  /** When it was queued, ISO-8601. */
  readonly at: string
  /** One line. */
  readonly summary: string
  /** As GET /incidents has it, at that time. */
  readonly incident: NotifiedIncident
}

export interface NotifiedIncident {
  readonly id: string
  readonly state: string
  readonly source: string
  readonly type: string
  readonly severity: string
  readonly started_at: string
  readonly ended_at: string | null
  readonly explanation: string
  readonly endpoints: readonly {
    readonly endpoint: string
    readonly share: number
    readonly started_at: string
  }[]
  readonly clients: readonly { readonly client: string; readonly requests: number; readonly share: number }[]
  readonly impact: {
    readonly requests: number
    readonly failed: number
    readonly slow: number
    readonly clients: number | null
  }
  readonly change: { readonly kind: string; readonly at: string; readonly detail: string } | null
  readonly recommendation: unknown
}

type QueuedEvent = Exclude<NotificationEvent, 'test'>

/** The events of a write of the watcher, in order; none where nobody is told. */
export function eventsOf({ kind, incident, before }: WrittenIncident): QueuedEvent[] {
  if (kind === 'opened') return incident.endedAt === null ? ['started'] : ['started', 'ended']
  if (kind === 'reopened') return ['started']
  if (kind === 'ended') return ['ended']
  // An alarm may go on after somebody has ended its incident: that is nothing to be told of.
  const isNews = kind === 'changed' && incident.endedAt === null && before?.severity !== incident.severity
  return isNews ? ['changed'] : []
}

export function notificationOf(
  id: string,
  event: NotificationEvent,
  incident: StoredIncident,
  at: Date,
): Notification {
  const notified = notifiedIncident(incident)
  return { id, event, at: at.toISOString(), summary: summaryOf(event, notified), incident: notified }
}

/** A notification that says nothing but that it arrives. */
export function testNotification(id: string, at: Date): Notification {
  const incident: NotifiedIncident = {
    ...{ id: '0', state: 'open', source: GATEWAY, type: 'pattern_anomaly', severity: 'low' },
    ...{ started_at: at.toISOString(), ended_at: null, explanation: 'A test. Nothing has happened.' },
    ...{ endpoints: [], clients: [], impact: { requests: 0, failed: 0, slow: 0, clients: null } },
    ...{ change: null, recommendation: null },
  }
  return { id, event: 'test', at: at.toISOString(), summary: 'A test of the notifications.', incident }
}

/** What silences are compared with. */
export function subjectOf({ series, type, endpoints }: StoredIncident): SilencedSubject {
  const named = endpoints.map(({ endpoint }) => endpoint)
  const own = series.kind === 'endpoint' && !named.includes(series.name) ? [series.name] : []
  return { source: sourceOf(series), endpoints: [...own, ...named], type }
}

const sourceOf = ({ kind, name }: StoredIncident['series']) => (kind === 'source' ? name : GATEWAY)

function notifiedIncident(incident: StoredIncident): NotifiedIncident {
  const { id, state, series, type, severity, startedAt, endedAt, explanation, impact, change } = incident
  return {
    ...{ id, state, source: sourceOf(series), type, severity },
    started_at: startedAt.toISOString(),
    ended_at: endedAt?.toISOString() ?? null,
    explanation,
    endpoints: endpointsOf(incident).map(({ endpoint, share, startedMs }) => ({
      ...{ endpoint, share, started_at: new Date(startedMs).toISOString() },
    })),
    clients: incident.clients.map(({ client, requests, share }) => ({ client, requests, share })),
    impact: {
      requests: whole(impact.requests),
      failed: whole(impact.failed),
      slow: whole(impact.slow),
      clients: impact.clients ?? null,
    },
    change: change && { kind: change.kind, at: change.at, detail: change.detail },
    recommendation: incident.recommendation && recommended(incident.recommendation),
  }
}

/** What matters of a recommended limit, with the names of GET /incidents. */
function recommended(found: NonNullable<StoredIncident['recommendation']>) {
  const { endpoint, tier, scope, limit, burst, summary, causedBy } = found
  return {
    ...{ endpoint, tier, scope, recommended_limit: limit, recommended_burst: burst, summary },
    caused_by: causedBy,
  }
}

/** The endpoints that are named; the incident of one endpoint names it in any case. */
function endpointsOf({ series, endpoints, startedAt }: StoredIncident) {
  if (endpoints.length > 0 || series.kind !== 'endpoint') return endpoints
  return [{ endpoint: series.name, share: 1, startedMs: startedAt.getTime() }]
}

const whole = (value = 0) => Math.max(0, Math.round(value))

const WORDS: Readonly<Record<string, string>> = {
  traffic_spike: 'Traffic spike',
  traffic_drop: 'Traffic drop',
  latency_spike: 'Latency spike',
  error_rate_spike: 'Error rate spike',
  pattern_anomaly: 'Unusual pattern',
  multi_dimensional: 'Several anomalies',
}

function summaryOf(
  event: NotificationEvent,
  { type, severity, source, endpoints }: NotifiedIncident,
): string {
  const of = endpoints[0]?.endpoint ?? (source === GATEWAY ? 'the gateway' : source)
  const more = endpoints.length > 1 ? ` and ${endpoints.length - 1} more` : ''
  const what = `${WORDS[type] ?? type} of ${of}${more}`
  return event === 'ended' ? `${what} has ended (${severity}).` : `${what} (${severity}).`
}

const counted = (count: number, what: string) => `${count} ${what}${count === 1 ? '' : 's'}`

/** What an incident did, in one line. */
export function impactInWords({ impact, ended_at: endedAt }: NotifiedIncident): string {
  const { requests, failed, slow, clients } = impact
  const of = clients === null ? '' : ` of ${counted(clients, 'client')}`
  const so = endedAt === null ? ' so far' : ''
  const harmed = failed + slow > 0 ? `; ${failed} failed and ${slow} were slow, more than usual` : ''
  return `${counted(requests, 'request')}${of}${so}${harmed}.`
}

/** Where people see the incident; null where the address of the service is not known. */
export function incidentUrl({ event, incident }: Notification, publicUrl: string | null): string | null {
  if (publicUrl === null) return null
  return event === 'test' ? publicUrl : `${publicUrl}/incidents/${incident.id}`
}
