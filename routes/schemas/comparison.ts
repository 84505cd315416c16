import { Type } from '@sinclair/typebox'
import { MODEL_COMPARISON } from './examples/comparison.js'
import { AnomalyType, Severity } from './detection.js'
import { count, nullable, timestamp } from './types.js'

export const VersionParams = Type.Object({
  version: Type.String({
    minLength: 1,
    maxLength: 100,
    description: 'A version of the anomaly detector that GET /model/versions lists.',
    examples: [MODEL_COMPARISON.version],
  }),
})

const found = (what: string) => ({
  before: count(`How many ${what} the version before finds.`),
  after: count(`How many ${what} the new version finds.`),
  still: count('How many of those that the version before finds are also found by the new one.'),
})

const Alarm = Type.Object({
  from: timestamp('Its first minute.'),
  to: timestamp('Its last minute.'),
  anomaly_type: AnomalyType({ description: 'What is wrong.' }),
  severity: Severity({ description: 'How severe it is at its worst.' }),
  explanation: Type.String({ description: 'What happened, in one or two sentences.' }),
})

const Episodes = Type.Object(
  {
    only_before: count('Events about which only the version before raises an alarm.'),
    only_after: count('Events about which only the new version raises an alarm.'),
    both: count('Events about which both do.'),
    listed: Type.Array(
      Type.Object({
        before: nullable(Alarm, { description: 'The alarm of the version before. Null without one.' }),
        after: nullable(Alarm, { description: 'The alarm of the new version. Null without one.' }),
        marked: Type.Boolean({ description: 'True if people marked it as an incident.' }),
      }),
      {
        description:
          'The events in order of time, at most 300. If there are more, those on which the versions differ come first, and the newest.',
      },
    ),
  },
  { description: 'The alarms of both versions in the replayed time.' },
)

export const ModelComparison = Type.Object(
  {
    version: Type.String({ description: 'The new version.' }),
    compared_with: Type.String({ description: 'The version that was active before it.' }),
    automatic: Type.Boolean({ description: 'True if the service trained it by itself.' }),
    activated: Type.Boolean({ description: 'True if it became active when it was trained.' }),
    refused: nullable(Type.String(), { description: 'Why it did not become active. Null if it did.' }),
    objections: Type.Array(Type.String(), {
      description:
        'What speaks against the new version, in sentences. A version with objections becomes active only if a person has asked for the training.',
    }),
    from: timestamp('First minute that was replayed.'),
    to: timestamp('Last minute that was replayed.'),
    alarms: Type.Object(
      {
        before: count('Alarms of the version before.'),
        after: count('Alarms of the new version.'),
        allowed: count('What ALARM_BUDGET allows in that time.'),
      },
      { description: 'Alarms outside of marked incidents.' },
    ),
    incidents: Type.Object(
      { marked: count('Incidents that people marked.'), ...found('of them') },
      { description: 'Incidents that people acknowledged or resolved in anomaly_events.' },
    ),
    probes: Type.Object(
      { injected: count('Changes that were injected.'), ...found('of them') },
      { description: 'Artificial changes of 15 minutes in the replayed traffic.' },
    ),
    episodes: Episodes,
  },
  {
    $id: 'ModelComparison',
    description: 'A version of the anomaly detector beside the one before it, on the same two weeks.',
    examples: [MODEL_COMPARISON],
  },
)
