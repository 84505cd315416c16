import { Type } from '@sinclair/typebox'
import {
  SYNTHETIC_BODY,
  SYNTHETIC_RESULT,
  TRAIN_BODY,
  TRAIN_RESULT,
  TRAINED_DETECTOR,
  TRAINED_OPTIMIZER,
} from './examples/training.js'
import { SensitivityMap } from './sensitivity.js'
import { amount, count, nullable, oneOf, ref, timestamp } from './types.js'

/** Ten years. */
export const MAX_DAYS = 3650

/** The models that a request may name. */
export const ModelNames = Type.Array(oneOf(['anomaly', 'optimizer']), {
  minItems: 0,
  maxItems: 2,
  'x-otherwise': 'ignored',
  description:
    'The models to use: anomaly, optimizer or both. A single name may be a text. Other names are ignored, with a warning. Default: both.',
})

const Contamination = Type.Number({
  exclusiveMinimum: 0,
  maximum: 0.5,
  description:
    'Expected share of anomalies in the history, above 0 and at most 0.5. Default: the setting CONTAMINATION.',
})

export const TrainBody = Type.Object(
  {
    days: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: MAX_DAYS,
        'x-clamp': true,
        'x-refuses-null': true,
        description:
          'Train on the last n days, 1 to 3,650. More count as 3,650, with a warning. Default: 7, unless from is given.',
      }),
    ),
    from: Type.Optional(timestamp('Start of the time range, included. Use it instead of days.')),
    to: Type.Optional(timestamp('End of the time range, excluded. Only with from. Default: now.')),
    contamination: Type.Optional(Contamination),
    interval_seconds: Type.Optional(
      Type.Integer({
        minimum: 60,
        maximum: 86_400,
        multipleOf: 60,
        description:
          'Length of the intervals that the anomaly detector will judge, in seconds: whole minutes, at most a day. Use it if a gateway reports less often than every minute. Default: 60.',
      }),
    ),
    models: Type.Optional(ModelNames),
    source: Type.Optional(
      oneOf(['table', 'prometheus'], {
        description:
          'Where the minutes of the anomaly detector come from: the traffic table, or the minutes fetched from Prometheus. Rate limits are always learned from the table. Default: prometheus if PROMETHEUS_URL is set and the table has no rows, otherwise table.',
      }),
    ),
    exclude: Type.Optional(
      Type.Array(
        Type.Object({
          from: timestamp('Start of the excluded range, included.'),
          to: timestamp('End of the excluded range, excluded.'),
        }),
        {
          maxItems: 1000,
          description: 'Time ranges to skip, for example known incidents. At most 1,000.',
        },
      ),
    ),
    wait: Type.Optional(
      Type.Boolean({
        description:
          'If false, the service answers 202 immediately with the job. Follow it at /train/jobs/{id}. Default: true.',
      }),
    ),
  },
  { $id: 'TrainBody', description: 'What to train on.', examples: [TRAIN_BODY] },
)

const ACTIVE_VERSION = 'The version that this training made active. Null when it failed.'
const error = Type.Optional(
  Type.String({
    description: 'Why the training failed. Absent when it succeeded.',
    examples: ['Insufficient training data'],
  }),
)
const warnings = Type.Array(Type.String(), { description: 'What the history is too short to teach.' })

export const TrainedDetector = Type.Object(
  {
    trained: Type.Boolean({ description: 'True if a new version was trained.' }),
    samples: count('Number of minutes in the training data.'),
    score_threshold: nullable(Type.Number(), {
      description:
        'Threshold on −s(x, n), on the scale of ANOMALY_THRESHOLD, −1 to 0. Null when the training failed.',
    }),
    timestamp: timestamp('When the training ended.'),
    version: nullable(Type.String(), { description: 'The version of this training. Null when it failed.' }),
    activated: Type.Boolean({
      description: 'True if the version became active. A training by request always activates its version.',
    }),
    refused: nullable(Type.String(), {
      description: 'Why the version of an automatic training did not become active. Null otherwise.',
    }),
    incident_minutes: count('Number of minutes that were skipped because they are marked as incidents.'),
    error,
    sensitivity: SensitivityMap,
    warnings,
  },
  {
    $id: 'TrainedDetector',
    description: 'The outcome of training the anomaly detector.',
    examples: [TRAINED_DETECTOR],
  },
)

export const TrainedOptimizer = Type.Object(
  {
    trained: Type.Boolean({ description: 'True if a new version was trained.' }),
    endpoints: count('Number of path templates that have a limit now.'),
    timestamp: timestamp('When the training ended.'),
    version: nullable(Type.String(), { description: ACTIVE_VERSION }),
    error,
    requests: count('Number of requests that were read.'),
    read_seconds: amount('Time taken to read them, in seconds.'),
    incident_minutes: count('Number of minutes that were skipped because they are marked as incidents.'),
    warnings,
  },
  {
    $id: 'TrainedOptimizer',
    description: 'The outcome of training the rate optimizer.',
    examples: [TRAINED_OPTIMIZER],
  },
)

const NOT_REQUESTED = 'Null when this model was not requested.'

export const TrainResult = Type.Object(
  {
    anomaly_detector: nullable(ref(TrainedDetector), { description: NOT_REQUESTED }),
    rate_optimizer: nullable(ref(TrainedOptimizer), { description: NOT_REQUESTED }),
  },
  { $id: 'TrainResult', description: 'The outcome for each model.', examples: [TRAIN_RESULT] },
)

export const SyntheticBody = Type.Object(
  {
    duration_hours: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 8760,
        description: 'Hours of traffic, above 0 and at most 8,760. Default: 168.',
      }),
    ),
    base_rps: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 1_000_000,
        description: 'Average requests per second, above 0 and at most 1,000,000. Default: 50.',
      }),
    ),
    include_anomalies: Type.Optional(
      Type.Boolean({ description: 'If true, the traffic contains incidents. Default: true.' }),
    ),
    anomaly_rate: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 0.5,
        description: 'Share of minutes inside an incident, 0 to 0.5. Default: 0.05.',
      }),
    ),
    seed: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 4_294_967_295,
        description: 'Random seed. The same seed gives the same traffic. Default: a random number.',
      }),
    ),
  },
  { $id: 'SyntheticBody', description: 'The traffic to generate.', examples: [SYNTHETIC_BODY] },
)

export const SyntheticResult = Type.Object(
  {
    generated: Type.Literal(true, { description: 'Always true.' }),
    samples: Type.Integer({ description: 'Number of rows in the file, one for each minute.' }),
    anomalies_injected: Type.Integer({ description: 'Number of rows inside an incident.' }),
    file: Type.String({ description: 'Name of the file in DATA_PATH.' }),
    seed: Type.Integer({ description: 'The random seed of this traffic.' }),
  },
  { $id: 'SyntheticResult', description: 'The generated file.', examples: [SYNTHETIC_RESULT] },
)
