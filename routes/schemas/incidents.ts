import { Type } from '@sinclair/typebox'
import { INCIDENT, INCIDENT_DETAIL, MARK_BODY } from './examples/incidents.js'
import { IncidentLimits, IncidentRecommendation, TemporaryLimit } from './incident-limits.js'
import { Endpoint } from './limit-choice.js'
import { count, nullable, oneOf, ref, share, Timestamp, timestamp, endTime } from './types.js'

const list = <const T extends string[]>(...values: T) => values

const STATES = list('open', 'acknowledged', 'resolved', 'false_positive')
const SEVERITIES = list('low', 'medium', 'high', 'critical')
const TYPES = list(
  'traffic_spike',
  'traffic_drop',
  'latency_spike',
  'error_rate_spike',
  'pattern_anomaly',
  'multi_dimensional',
)

export const IncidentType = (description: string) => oneOf(TYPES, { description })
export const IncidentSeverity = (description: string) => oneOf(SEVERITIES, { description })

/** Several of some values: given several times, or with commas between them. */
const severalOf = <const T extends string[]>(values: T, description: string) =>
  Type.Optional(Type.Array(oneOf(values), { minItems: 0, maxItems: values.length, description }))

export const SourceName = (description: string) =>
  Type.String({ minLength: 1, maxLength: 200, format: 'printable', description })

export const IncidentsQuery = Type.Object({
  from: Type.Optional(timestamp('Only incidents that were going on at this time or later.')),
  to: Type.Optional(endTime('Only incidents that began before this time.')),
  state: severalOf(STATES, 'Only incidents in these states. Several are given with commas or repeatedly.'),
  source: Type.Optional(
    SourceName('Only incidents of this source. `default` is the gateway with its endpoints.'),
  ),
  endpoint: Type.Optional(
    Endpoint(
      'Only incidents that affect this endpoint: `GET /orders/{id}`, or `/orders/{id}` for all methods.',
    ),
  ),
  type: severalOf(TYPES, 'Only incidents of these types.'),
  severity: severalOf(SEVERITIES, 'Only incidents of these severities.'),
  limit: Type.Optional(
    Type.Integer({
      minimum: 1,
      maximum: 500,
      description: 'Maximum number of incidents, 1 to 500. Default: 50.',
    }),
  ),
  next: Type.Optional(
    Type.String({
      minLength: 3,
      maxLength: 40,
      pattern: '^[0-9a-z]{1,11}-[0-9]{1,18}$',
      description: 'Where the page begins: `next` of the page before.',
    }),
  ),
})

export const IncidentParams = Type.Object({
  id: Type.String({
    minLength: 1,
    maxLength: 18,
    pattern: '^[0-9]+$',
    description: 'Id of the incident.',
  }),
})

const fields = {
  id: Type.String({ description: 'Id of the incident.' }),
  state: oneOf(STATES, {
    description:
      'open: nobody has marked it. acknowledged: somebody confirmed it. resolved: it has ended by itself, or somebody resolved it. false_positive: somebody said that it is none.',
  }),
  source: Type.String({ description: 'The source. `default` is the gateway with its endpoints.' }),
  type: IncidentType('What is abnormal.'),
  severity: IncidentSeverity('Severity now, or at the end.'),
  started_at: timestamp('The first abnormal minute.'),
  ended_at: nullable(Timestamp, { description: 'The end. Null while it is open.' }),
  explanation: Type.String({ description: 'What was expected, and what came instead.' }),
  endpoints: Type.Array(
    Type.Object({
      endpoint: Type.String({ description: 'Method and path template.' }),
      share: share('Share of the harm, 0 to 1.'),
      started_at: timestamp('Since when it is affected.'),
    }),
    { description: 'The affected endpoints, the likely origin first; at most 20.' },
  ),
  clients: Type.Array(
    Type.Object({
      client: Type.String({ description: 'A user, or else an address.' }),
      requests: count('Its requests during the incident.'),
      share: share('Its share of these requests, 0 to 1.'),
    }),
    { description: 'The busiest clients of that time, at most ten. Empty where they are not known.' },
  ),
  impact: Type.Object(
    {
      requests: count('Requests during the incident.'),
      failed: count('Requests that failed, more than usual.'),
      slow: count('Requests that were slow, more than usual.'),
      clients: nullable(Type.Integer({ minimum: 0 }), {
        description: 'Number of clients. Null where they are not known.',
      }),
    },
    { description: 'The incident in numbers.' },
  ),
  change: nullable(
    Type.Object({
      kind: Type.String({
        description: 'What kind of change: limit, deployment, new_client or retry_storm.',
      }),
      at: timestamp('When it was, or when it began.'),
      detail: Type.String({ description: 'What was changed, in a sentence with figures.' }),
    }),
    { description: 'What changed when it began. Null where nothing is known.' },
  ),
  recommendation: nullable(ref(IncidentRecommendation), {
    description:
      'A temporary limit for the clients that caused it, with its backtest. Null where many clients caused it, where no limit would have held, and for incidents that are not about traffic.',
  }),
}

export const Incident = Type.Object(fields, {
  $id: 'Incident',
  description: 'An incident: what went wrong, since when, where and for whom.',
  examples: [INCIDENT],
})

export const IncidentPage = Type.Object(
  {
    incidents: Type.Array(ref(Incident), { description: 'The incidents, newest first.' }),
    next: nullable(Type.String(), {
      description: 'Give it as `next` for the following page. Null on the last one.',
    }),
  },
  {
    $id: 'IncidentPage',
    description: 'A page of incidents.',
    examples: [{ incidents: [INCIDENT], next: 'mkzs74o0-12' }],
  },
)

const FailedRequest = Type.Object({
  at: timestamp('When it came.'),
  method: nullable(Type.String(), { description: 'Its method.' }),
  path: nullable(Type.String(), { description: 'Its path, as it was recorded.' }),
  status: Type.Integer({ description: 'Its HTTP status.' }),
  latency_ms: nullable(Type.Number(), { description: 'Its latency in milliseconds.' }),
  client: nullable(Type.String(), { description: 'A user, or else an address.' }),
})

const text = (description: string) => nullable(Type.String(), { description })

export const IncidentDetail = Type.Object(
  {
    ...fields,
    peak: Type.Object(
      { severity: IncidentSeverity('The highest severity.'), at: timestamp('The minute.') },
      { description: 'When it was worst.' },
    ),
    traffic: Type.Object(
      {
        missing: count('Requests that were missing, compared with usual.'),
        excess: count('Requests that were too many, compared with usual.'),
      },
      { description: 'What happened to the number of requests.' },
    ),
    samples: nullable(
      Type.Object({
        first: Type.Array(FailedRequest, { description: 'The first failed requests, at most five.' }),
        last: Type.Array(FailedRequest, { description: 'The last ones, at most five.' }),
      }),
      { description: 'Requests that failed. Null where they are not known.' },
    ),
    acknowledged_at: nullable(Timestamp, { description: 'When somebody acknowledged it. Null otherwise.' }),
    acknowledged_by: text('Who acknowledged it. Null where it is not known.'),
    resolved_at: nullable(Timestamp, {
      description: 'When somebody resolved it or said that it is none. Null where it ended by itself.',
    }),
    resolved_by: text('Who did. Null where it is not known.'),
    limits: nullable(ref(IncidentLimits), {
      description:
        'What the limits in force would have done. Null while it goes on, for a source, and while it is being replayed.',
    }),
    applied: nullable(ref(TemporaryLimit), {
      description: 'The limit that was applied against it last. Null without one.',
    }),
    timeline: Type.Array(
      Type.Object({
        at: timestamp('When it was.'),
        kind: oneOf(
          [
            ...([
              'opened',
              'changed',
              'ended',
              'reopened',
              'acknowledged',
              'resolved',
              'false_positive',
            ] as const),
            ...(['comment', 'limit_applied', 'limit_ended'] as const),
          ],
          { description: 'What happened.' },
        ),
        by: text('Who did it. Null for the service itself.'),
        note: text('What was said.'),
        detail: Type.Unknown({ description: 'More about it, for example the new severity. Null without.' }),
      }),
      { description: 'What happened to it, in order of time; at most 1,000 entries.' },
    ),
  },
  {
    $id: 'IncidentDetail',
    description: 'An incident with its timeline, its peak and samples of failed requests.',
    examples: [INCIDENT_DETAIL],
  },
)

const Words = { minLength: 1, pattern: '^[^\\u0000]*$' }

export const MarkBody = Type.Object(
  {
    by: Type.Optional(
      Type.String({
        ...Words,
        maxLength: 255,
        description: 'Who it is, 1 to 255 characters. For a caller with a key, its name counts instead.',
      }),
    ),
    note: Type.Optional(
      Type.String({
        ...Words,
        maxLength: 2000,
        description: 'What there is to say, 1 to 2,000 characters. A comment requires it.',
      }),
    ),
  },
  { $id: 'MarkBody', description: 'Who marks an incident, and why.', examples: [MARK_BODY] },
)

export const FollowQuery = Type.Object({
  last_event_id: Type.Optional(
    Type.String({
      minLength: 1,
      maxLength: 15,
      pattern: '^[0-9]+$',
      description:
        'Where to go on: the id of the last event that was received. The header Last-Event-ID does the same and takes precedence.',
    }),
  ),
})

export const incidentSchemas = [Incident, IncidentPage, IncidentDetail, MarkBody]
