import { Type } from '@sinclair/typebox'
import { MODEL_SENSITIVITY } from './examples/sensitivity.js'
import { amount, nullable, oneOf } from './types.js'

const FoundChange = nullable(
  Type.Object({
    size: amount('A factor on the usual traffic or latency, or what is added to the error rate, as a share.'),
    minutes: Type.Integer({ minimum: 1, description: 'Minutes after which such a change is found.' }),
  }),
)

function perKind(description: string) {
  const of = (kind: string) => ({ description: `${kind} Null when none is found.`, ...FoundChange })
  return Type.Object(
    {
      traffic_spike: of('More traffic.'),
      traffic_drop: of('Less traffic.'),
      latency_spike: of('All latencies.'),
      error_rate_spike: of('More errors.'),
    },
    { description },
  )
}

const Hours = Type.Object({
  days: oneOf(['monday_to_friday', 'saturday_and_sunday'], { description: 'The part of the week.' }),
  from_hour: Type.Integer({ minimum: 0, maximum: 23, description: 'The first local hour.' }),
  to_hour: Type.Integer({ minimum: 1, maximum: 24, description: 'The local hour at which they end.' }),
  requests_per_minute: amount('Usual requests a minute.'),
  soon: perKind('The smallest change of each kind that is found within two reports.'),
  lasting: perKind(
    'The smallest change of each kind that is found within an hour; within three reports where they are longer.',
  ),
})

/** The smallest changes that a detector finds. */
export const SensitivityMap = Type.Array(Hours, {
  description:
    'The smallest change of each kind that begins an episode, for four hours of each part of the week. A change of this size is found about every second time, a larger one more often.',
})

export const ModelSensitivity = Type.Object(
  {
    version: Type.String({ description: 'The active version of the anomaly detector.' }),
    hours: SensitivityMap,
  },
  {
    $id: 'ModelSensitivity',
    description: 'What the active anomaly detector finds, and what it cannot see.',
    examples: [MODEL_SENSITIVITY],
  },
)
