import { Type } from '@sinclair/typebox'
import { nullable, oneOf, ref, Timestamp } from './types.js'

/** The models that a request may name. */
export const ModelNames = Type.Array(oneOf(['anomaly', 'optimizer']), {
  minItems: 1,
  maxItems: 2,
  description: 'Which models; all of them, when left out.',
})

const Contamination = Type.Number({
  exclusiveMinimum: 0,
  maximum: 0.5,
  description: 'Expected share of anomalies in the history; CONTAMINATION, when left out.',
})

export const TrainBody = Type.Object(
  {
    days: Type.Optional(
      Type.Integer({ minimum: 1, maximum: 365, description: 'Days of history; 7, when left out.' }),
    ),
    from: Type.Optional({ ...Timestamp, description: 'Instead of days: the first minute, however old.' }),
    to: Type.Optional({
      ...Timestamp,
      description: 'The minute after the last, with from; now, when left out.',
    }),
    contamination: Type.Optional(Contamination),
    models: Type.Optional(ModelNames),
    exclude: Type.Optional(
      Type.Array(Type.Object({ from: Timestamp, to: Timestamp }), {
        maxItems: 1000,
        description: 'Intervals that are left out, known incidents say: from included, to not.',
      }),
    ),
    wait: Type.Optional(
      Type.Boolean({
        description: 'False: answer 202 at once with the job, to be followed at /train/jobs/{id}.',
      }),
    ),
  },
  { $id: 'TrainBody', examples: [{ days: 7 }] },
)

const trained = {
  trained: Type.Boolean(),
  samples: Type.Integer({ minimum: 0, description: 'Minutes that were learned from.' }),
  score_threshold: nullable(Type.Number(), {
    description: 'The threshold on −s(x, n), on the scale of ANOMALY_THRESHOLD; null when not trained.',
  }),
  timestamp: Timestamp,
  version: nullable(Type.String(), { description: 'The version that is active now; null when not trained.' }),
  error: Type.Optional(Type.String({ examples: ['Insufficient training data'] })),
  warnings: Type.Array(Type.String(), { description: 'What the history could not teach.' }),
}

export const TrainedDetector = Type.Object(trained, { $id: 'TrainedDetector' })

export const TrainedOptimizer = Type.Object(
  {
    trained: Type.Boolean(),
    endpoints: Type.Integer({
      minimum: 0,
      description: 'Path templates that limits can be recommended for.',
    }),
    timestamp: Timestamp,
    version: nullable(Type.String(), {
      description: 'The version that is active now; null when not trained.',
    }),
    error: Type.Optional(Type.String({ examples: ['Insufficient training data'] })),
    requests: Type.Integer({ minimum: 0, description: 'Requests that were read one by one.' }),
    read_seconds: Type.Number({ minimum: 0, description: 'How long that took.' }),
    incident_minutes: Type.Integer({
      minimum: 0,
      description: 'Minutes left out since somebody marked them as incidents.',
    }),
    warnings: Type.Array(Type.String(), { description: 'What the history could not teach.' }),
  },
  { $id: 'TrainedOptimizer' },
)

export const TrainResult = Type.Object(
  {
    anomaly_detector: nullable(ref(TrainedDetector), { description: 'Null when it was not asked for.' }),
    rate_optimizer: nullable(ref(TrainedOptimizer), { description: 'Null when it was not asked for.' }),
  },
  { $id: 'TrainResult' },
)

export const TrainingStatus = Type.Object(
  {
    training: Type.Boolean({
      description: 'A run is under way on any replica; false also when the database cannot be asked.',
    }),
    started_at: nullable(Timestamp, { description: 'When that run began, or null.' }),
    job: nullable(Type.String({ format: 'uuid' }), {
      description: 'The id of that run, for /train/jobs/{id}, or null.',
    }),
    anomaly_detector: Type.Object({
      loaded: Type.Boolean(),
      trained: Type.Boolean(),
      version: nullable(Type.String()),
      training_timestamp: nullable(Timestamp),
      training_samples: Type.Integer({ minimum: 0 }),
    }),
    rate_optimizer: Type.Object({
      loaded: Type.Boolean(),
      trained: Type.Boolean(),
      version: nullable(Type.String()),
      training_timestamp: nullable(Timestamp),
      endpoints: Type.Integer({ minimum: 0 }),
    }),
  },
  { $id: 'TrainingStatus' },
)

export const SyntheticBody = Type.Object(
  {
    duration_hours: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 8760,
        description: 'Hours of traffic; 168, when left out.',
      }),
    ),
    base_rps: Type.Optional(
      Type.Number({
        exclusiveMinimum: 0,
        maximum: 1_000_000,
        description: 'Usual requests a second; 50, when left out.',
      }),
    ),
    include_anomalies: Type.Optional(Type.Boolean({ description: 'With incidents; true, when left out.' })),
    anomaly_rate: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 0.5,
        description: 'Share of the minutes inside incidents; 0.05, when left out.',
      }),
    ),
    seed: Type.Optional(
      Type.Integer({
        minimum: 0,
        maximum: 4_294_967_295,
        description: 'The same seed gives the same traffic; drawn at random, when left out.',
      }),
    ),
  },
  { $id: 'SyntheticBody', examples: [{ duration_hours: 168, base_rps: 50, seed: 42 }] },
)

export const SyntheticResult = Type.Object(
  {
    generated: Type.Literal(true),
    samples: Type.Integer({ description: 'Rows written, one a minute.' }),
    anomalies_injected: Type.Integer({ description: 'Rows that lie inside an incident.' }),
    file: Type.String({ description: 'The file that was written.' }),
    seed: Type.Integer(),
  },
  { $id: 'SyntheticResult' },
)
