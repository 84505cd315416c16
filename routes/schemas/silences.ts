import { Type } from '@sinclair/typebox'
import { NEW_SILENCE, SILENCE } from './examples/notifications.js'
import { IncidentType, SourceName } from './incidents.js'
import { nullable, oneOf, ref, Timestamp, timestamp } from './types.js'

const Day = oneOf(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])
const Words = (maxLength: number, description: string) =>
  Type.String({ minLength: 1, maxLength, pattern: '^[^\\u0000]*$', description })
const Clock = (description: string) =>
  Type.String({ minLength: 5, maxLength: 5, pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$', description })

export const NamedEndpoint = (description: string) =>
  Type.String({
    minLength: 1,
    maxLength: 600,
    format: 'printable',
    pattern: '^([A-Za-z_-]+ )?/',
    description,
  })

const Recurring = Type.Object(
  {
    days: Type.Array(Day, {
      ...{ minItems: 1, maxItems: 7 },
      description: 'The days on which the hours begin, 1 to 7 of mon, tue, wed, thu, fri, sat, sun.',
    }),
    start: Clock('When they begin, as 22:00 in TIME_ZONE.'),
    end: Clock('When they end, as 02:00. At or before the start, it is of the next day.'),
  },
  { description: 'Hours that recur each week.' },
)

const ENDPOINT =
  'Only incidents of this endpoint: `GET /orders/{id}`, `/orders/{id}` for all methods, or the beginning of either with * at its end. All endpoints that an incident affects have to be so.'

export const SilenceBody = Type.Object(
  {
    source: Type.Optional(
      nullable(SourceName('A source.'), {
        description: 'Only incidents of this source. `default` is the gateway with its endpoints.',
      }),
    ),
    endpoint: Type.Optional(nullable(NamedEndpoint('An endpoint.'), { description: ENDPOINT })),
    type: Type.Optional(nullable(IncidentType('A type.'), { description: 'Only incidents of this type.' })),
    from: Type.Optional(nullable(Timestamp, { description: 'When it begins. Default: now.' })),
    to: Type.Optional(
      nullable(Timestamp, { description: 'When it ends. Required without recurring; null is never.' }),
    ),
    recurring: Type.Optional(
      nullable(Recurring, { description: 'Only these hours between from and to. Null is all of that time.' }),
    ),
    reason: Words(2000, 'Why, 1 to 2,000 characters.'),
    created_by: Type.Optional(
      nullable(Words(255, 'Who.'), {
        description: 'Who it is, 1 to 255 characters. For a caller with a key, its name counts instead.',
      }),
    ),
  },
  { $id: 'SilenceBody', description: 'When nobody is told of which incidents.', examples: [NEW_SILENCE] },
)

export const Silence = Type.Object(
  {
    id: Type.String({ description: 'Id of the silence.' }),
    source: nullable(Type.String(), { description: 'Only incidents of this source. Null is any.' }),
    endpoint: nullable(Type.String(), { description: 'Only incidents of this endpoint. Null is any.' }),
    type: nullable(IncidentType('A type.'), { description: 'Only incidents of this type. Null is any.' }),
    from: timestamp('When it begins.'),
    to: nullable(Timestamp, { description: 'When it ends. Null is never.' }),
    recurring: nullable(Recurring, { description: 'Only these hours. Null is all of that time.' }),
    reason: Type.String({ description: 'Why.' }),
    created_by: nullable(Type.String(), { description: 'Who it was. Null where it is not known.' }),
    in_force: Type.Boolean({ description: 'Whether it holds now.' }),
    created_at: timestamp('When it was made.'),
    updated_at: timestamp('When it was changed last.'),
  },
  { $id: 'Silence', description: 'A time in which nobody is told of incidents.', examples: [SILENCE] },
)

export const Silences = Type.Object(
  { silences: Type.Array(ref(Silence), { description: 'The silences, the newest first.' }) },
  { $id: 'Silences', description: 'All silences.', examples: [{ silences: [SILENCE] }] },
)

export const SilenceParams = Type.Object({
  id: Type.String({
    ...{ minLength: 1, maxLength: 18, pattern: '^[0-9]+$' },
    description: 'Id of the silence.',
  }),
})

export const silenceSchemas = [Silence, Silences, SilenceBody]
