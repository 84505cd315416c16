import { Type } from '@sinclair/typebox'
import { SOURCES, TIMELINE } from './examples/incidents.js'
import { IncidentSeverity, IncidentType, SourceName } from './incidents.js'
import { Endpoint } from './limit-choice.js'
import { count, nullable, oneOf, perFeature, Timestamp, timestamp, endTime } from './types.js'

const Kind = (description: string) => oneOf(['gateway', 'endpoint', 'source'], { description })
const Step = (description: string) => oneOf(['1m', '5m', '15m', '1h', '6h', '1d'], { description })

export const SourcesQuery = Type.Object({
  kind: Type.Optional(Kind('Only the gateway, only endpoints, or only sources that report.')),
  status: Type.Optional(
    oneOf(['normal', 'alarm', 'silent', 'not_watched'], { description: 'Only what is in this status.' }),
  ),
  limit: Type.Optional(
    Type.Integer({ minimum: 1, maximum: 1000, description: 'Maximum number, 1 to 1,000. Default: 1,000.' }),
  ),
  offset: Type.Optional(
    Type.Integer({ minimum: 0, maximum: 1_000_000, description: 'Number to skip. Default: 0.' }),
  ),
})

export const Sources = Type.Object(
  {
    sources: Type.Array(
      Type.Object({
        kind: Kind(
          'gateway: all of its traffic. endpoint: one of its endpoints. source: reports to /detect.',
        ),
        source: Type.String({ description: 'Name of the source. `default` is the gateway.' }),
        endpoint: nullable(Type.String(), { description: 'The endpoint. Null for other kinds.' }),
        last_report: nullable(Timestamp, { description: 'The newest minute with requests or a report.' }),
        status: oneOf(['normal', 'alarm', 'silent', 'not_watched'], {
          description:
            'alarm: it is abnormal, or an incident is open. silent: no minute has come for ten minutes, or three intervals. not_watched: it has traffic that nothing judges.',
        }),
        open_incident: nullable(Type.String(), {
          description: 'Id of an incident that goes on. Null without.',
        }),
        model: nullable(oneOf(['known', 'young', 'missing']), {
          description:
            'How well the watch model knows an endpoint. young: from less than ten days, so that larger deviations are taken. missing: it is new. Null for other kinds, and without a watch model.',
        }),
      }),
      { description: 'The gateway, the sources that report, and the endpoints, in this order.' },
    ),
    total: count('Number of those that match.'),
    limit: count('The limit of the request.'),
    offset: count('The offset of the request.'),
    watcher: Type.Object(
      {
        state: oneOf(['watching', 'elsewhere', 'waiting', 'off'], {
          description:
            'watching: this replica judges. elsewhere: another one does, or none has begun. waiting: something is missing. off: WATCH is off.',
        }),
        reason: nullable(Type.String(), { description: 'What is missing. Null when nothing is.' }),
        judged_to: nullable(Timestamp, {
          description: 'Every minute before this one is judged. Null before the first.',
        }),
        delay_seconds: Type.Number({
          description:
            'How long after its end a minute is judged: WATCH_DELAY_SECONDS, and how late rows come.',
        }),
        endpoints: count('Endpoints that have a model.'),
        model: nullable(Type.String(), {
          description: 'Version of the model that judges. Null without one.',
        }),
      },
      { description: 'What judges each finished minute.' },
    ),
    lost_minutes: count('Judged minutes that this replica could not store since it started.'),
  },
  { $id: 'Sources', description: 'What is watched, and what reports.', examples: [SOURCES] },
)

export const TimelineQuery = Type.Object({
  source: Type.Optional(SourceName('The source. Default: `default`, the gateway.')),
  endpoint: Type.Optional(
    Endpoint('An endpoint of the gateway: `GET /orders/{id}`. Use it instead of source.'),
  ),
  from: Type.Optional(timestamp('Start of the range. Default: a day before its end.')),
  to: Type.Optional(endTime('End of the range. Default: now.')),
  step: Type.Optional(
    Step('Length of a point. At most 2,000 points are possible. Default: the shortest that gives no more.'),
  ),
})

const number = (description: string) => nullable(Type.Number(), { description })

const Measured = Type.Object({
  value: number('The measured value. Null where it is not known.'),
  expected: number('The expected value. Null where none is known.'),
  lower: number('Lower end of the expected band.'),
  upper: number('Upper end of the expected band.'),
})

export const TimelineData = Type.Object(
  {
    kind: Kind('What the points are about.'),
    source: Type.String({ description: 'Name of the source. `default` is the gateway.' }),
    endpoint: nullable(Type.String(), { description: 'The endpoint. Null for other kinds.' }),
    from: timestamp('Start of the range, a whole step.'),
    to: timestamp('End of the range, a whole step.'),
    step: Step('Length of a point.'),
    points: Type.Array(
      Type.Object({
        at: timestamp('When the point begins.'),
        ...perFeature(Measured).properties,
        verdict: nullable(
          Type.Object({
            anomaly: Type.Boolean({ description: 'Whether a minute of it is abnormal.' }),
            type: nullable(IncidentType('What.'), {
              description: 'What is abnormal. Null without an anomaly.',
            }),
            severity: nullable(IncidentSeverity('How much.'), {
              description: 'The highest severity. Null without an anomaly.',
            }),
          }),
          { description: 'The verdict at that time. Null where nothing judged it.' },
        ),
      }),
      { description: 'The points, in order of time. Those without data are left out.' },
    ),
  },
  { $id: 'Timeline', description: 'What a series was like over time.', examples: [TIMELINE] },
)

export const watchingSchemas = [Sources, TimelineData]
