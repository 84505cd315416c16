import { Type } from '@sinclair/typebox'
import { ACTIVATE_BODY, ACTIVATE_RESULT, LOAD_RESULT, MODEL_INFO, MODEL_VERSIONS } from './examples/models.js'
import { amount, count, nullable, oneOf, perFeature, Timestamp, timestamp } from './types.js'
import { ModelNames } from './training.js'

const Baseline = Type.Object(
  {
    mean: Type.Number({ description: 'Mean.' }),
    std: Type.Number({ description: 'Standard deviation.' }),
    median: Type.Number({ description: 'Median.' }),
    q25: Type.Number({ description: '25th percentile.' }),
    q75: Type.Number({ description: '75th percentile.' }),
    iqr: Type.Number({ description: 'Interquartile range: q75 − q25.' }),
    min: Type.Number({ description: 'Smallest value.' }),
    max: Type.Number({ description: 'Largest value.' }),
  },
  { description: 'Statistics of this feature over the training data, in the unit of the feature.' },
)

const Rhythm = Type.Object(
  {
    rhythm: oneOf(['none', 'day', 'weekpart', 'week'], {
      description:
        'What the usual value depends on. none: nothing. day: the time of day. weekpart: the time of day, separately for working days and weekends. week: the time of the week.',
    }),
    minute_of_hour: Type.Boolean({
      description: 'True if the usual value also depends on the minute of the hour, as with hourly jobs.',
    }),
    sharp_minutes: count('Number of single minutes of the day with a usual value of their own.'),
    weekly_quarters: count(
      'Number of quarter hours of the week with a usual value of their own, as with a weekly backup.',
    ),
  },
  { description: 'The rhythm of this feature.' },
)

export const Rhythms = perFeature(Rhythm, { description: 'The rhythm of the usual value of each feature.' })

const Index = nullable(Type.Number({ minimum: 0 }), {
  description: 'Population stability index of this feature, from 0. Null without enough reports.',
})

const minEffects = Type.Object(
  {
    traffic: Type.Number({ description: 'Change of the traffic, as a share of the usual value.' }),
    latency: Type.Number({ description: 'Change of a latency, as a share of the usual value.' }),
    latency_ms: Type.Number({ description: 'Change of a latency, in milliseconds.' }),
    error_rate: Type.Number({ description: 'Change of the error rate, 0 to 1.' }),
    requests: Type.Number({
      description: 'Number of requests below which latencies and error rate are not judged.',
    }),
  },
  { description: 'The smallest deviations that can be anomalous: the settings MIN_EFFECT_….' },
)

const Drift = Type.Object(
  {
    minutes: Type.Integer({
      description: 'Number of recent reports in the comparison. Older reports count less.',
    }),
    features: perFeature(Index, { description: 'The drift of each feature.' }),
    retrain: Type.Boolean({ description: 'True if an index exceeds 0.25. Train a new version.' }),
  },
  { description: 'The distance between recent reports and the training data.' },
)

const Engine = Type.Object(
  {
    name: oneOf(['kernel', 'tensor'], { description: 'Name of the scoring engine.' }),
    backend: Type.String({ description: 'What the engine runs on.', examples: ['javascript', 'wasm'] }),
    reason: Type.String({ description: 'Why the service chose this engine.' }),
  },
  { description: 'The engine that computes the scores.' },
)

export const DetectorInfo = Type.Object({
  is_trained: Type.Literal(true, { description: 'Always true.' }),
  version: Type.String({ description: 'The active version.' }),
  training_timestamp: timestamp('When the version was trained.'),
  training_samples: Type.Integer({ description: 'Number of rows in the training data, usually minutes.' }),
  interval_seconds: Type.Number({
    description: 'Length of the intervals that the model judges, in seconds. Usually 60.',
  }),
  contamination: Type.Number({
    description: 'Expected share of anomalies in the training data, above 0 and at most 0.5.',
  }),
  n_estimators: Type.Integer({ description: 'Number of trees in the isolation forest.' }),
  score_threshold: Type.Number({
    description: 'Threshold on −s(x, n), −1 to 0. The score of a verdict is −s(x, n) − score_threshold.',
  }),
  feature_names: Type.Array(Type.String(), { description: 'The five features, in the order of the model.' }),
  baselines: perFeature(Baseline, { description: 'Statistics of the training data.' }),
  time_zone: Type.String({ description: 'Time zone of the rhythms, an IANA name.' }),
  rhythms: Rhythms,
  min_effects: minEffects,
  drift: Drift,
  engine: Engine,
})

export const OptimizerInfo = Type.Object({
  is_trained: Type.Literal(true, { description: 'Always true.' }),
  version: Type.String({ description: 'The active version.' }),
  training_timestamp: timestamp('When the version was trained.'),
  training_requests: Type.Integer({ description: 'Number of requests in the training data.' }),
  strategy: oneOf(['balanced'], { description: 'The default strategy.' }),
  headroom_percent: Type.Integer({
    description: 'What is added to the busy minutes of an endpoint, in percent.',
  }),
  endpoint_count: Type.Integer({ description: 'Number of path templates.' }),
  endpoints: Type.Array(Type.String(), { description: 'The path templates.' }),
})

const NONE_ACTIVE = 'Null when no version is active.'

const AutomaticTraining = Type.Object(
  {
    every_seconds: nullable(amount('TRAIN_EVERY in seconds.'), {
      description: 'How often the service trains by itself, in seconds. Null if TRAIN_EVERY is off.',
    }),
    next_at: nullable(Timestamp, {
      description:
        'When the next training is due. A time that has passed means soon. Null when none will begin by itself, and in the first minutes of the service.',
    }),
    paused_because: nullable(Type.String(), {
      description: 'Why no training will begin by itself. Null otherwise.',
    }),
    last: nullable(
      Type.Object({
        ended_at: timestamp('When it ended.'),
        outcome: oneOf(['activated', 'kept', 'not_enough_data', 'stopped', 'failed'], {
          description:
            'activated: the new version became active. kept: it was stored, and the active version stayed. The others made no version.',
        }),
        reason: nullable(Type.String(), { description: 'Why no new version is active. Null otherwise.' }),
        version: nullable(Type.String(), { description: 'The version that was stored. Null without one.' }),
        job: nullable(Type.String({ format: 'uuid' }), {
          description: 'The training run, for /train/jobs/{id}. Null when none began.',
        }),
      }),
      { description: 'How the last automatic training ended. Null before the first.' },
    ),
  },
  { description: 'The trainings that the service begins by itself.' },
)

export const ModelInfo = Type.Object(
  {
    automatic_training: AutomaticTraining,
    anomaly_detector: nullable(DetectorInfo, { description: `The active anomaly detector. ${NONE_ACTIVE}` }),
    rate_optimizer: nullable(OptimizerInfo, { description: `The active rate optimizer. ${NONE_ACTIVE}` }),
  },
  { $id: 'ModelInfo', description: 'The active models.', examples: [MODEL_INFO] },
)

const VersionInfo = Type.Object({
  version: Type.String({ description: 'Name of the version.' }),
  active: Type.Boolean({ description: 'True if this version is active.' }),
  trained_at: timestamp('When the version was trained.'),
  training_samples: Type.Integer({
    description: 'Number of minutes (anomaly detector) or requests (rate optimizer) in the training data.',
  }),
  automatic: Type.Boolean({ description: 'True if the service trained it by itself.' }),
  refused: nullable(Type.String(), {
    description: 'Why the version did not become active when it was trained. Null if it did.',
  }),
  source: nullable(Type.String(), {
    description: 'The traffic table of the training data, or synthetic. Null when it is unknown.',
  }),
  from: nullable(Timestamp, { description: 'Start of the training data. Null when it is unknown.' }),
  to: nullable(Timestamp, { description: 'End of the training data. Null when it is unknown.' }),
  exclude: Type.Array(
    Type.Object({
      from: timestamp('Start of the excluded range, included.'),
      to: timestamp('End of the excluded range, excluded.'),
    }),
    { description: 'Time ranges that were skipped.' },
  ),
  duration_seconds: nullable(Type.Number(), {
    description: 'Duration of the training in seconds. Null when it is unknown.',
  }),
  parameters: Type.Record(Type.String(), Type.Number(), { description: 'Parameters of the training.' }),
  metrics: Type.Record(Type.String(), Type.Number(), { description: 'Figures measured by the training.' }),
  size_bytes: Type.Integer({ description: 'Size of the stored model in bytes.' }),
})

export const ModelVersions = Type.Object(
  {
    anomaly_detector: Type.Array(VersionInfo, {
      description: 'Versions of the anomaly detector, newest first.',
    }),
    rate_optimizer: Type.Array(VersionInfo, { description: 'Versions of the rate optimizer, newest first.' }),
  },
  { $id: 'ModelVersions', description: 'The stored versions of both models.', examples: [MODEL_VERSIONS] },
)

const ModelName = oneOf(['anomaly', 'optimizer'], {
  description: 'anomaly: the anomaly detector. optimizer: the rate optimizer.',
})

export const ActivateBody = Type.Object(
  {
    model: ModelName,
    version: Type.String({
      minLength: 1,
      maxLength: 100,
      description: 'A version that GET /model/versions lists.',
      examples: [ACTIVATE_BODY.version],
    }),
  },
  { $id: 'ActivateBody', description: 'The version to activate.', examples: [ACTIVATE_BODY] },
)

export const ActivateResult = Type.Object(
  {
    activated: Type.Literal(true, { description: 'Always true.' }),
    model: ModelName,
    version: Type.String({ description: 'The version that is active now.' }),
  },
  { $id: 'ActivateResult', description: 'The activated version.', examples: [ACTIVATE_RESULT] },
)

export const LoadBody = Type.Object(
  { models: Type.Optional(ModelNames) },
  { $id: 'LoadBody', description: 'The models to load.', examples: [{}] },
)

const loadedModel = (description: string) =>
  Type.Object(
    {
      loaded: Type.Boolean({ description: 'True if a version is active now.' }),
      trained: Type.Boolean({ description: 'True if that version is trained. Equal to loaded.' }),
      version: nullable(Type.String(), { description: 'The active version. Null when none was found.' }),
      error: Type.Optional(
        Type.String({
          description: 'Why nothing was loaded. Absent on success.',
          examples: ['Model not found'],
        }),
      ),
    },
    { description },
  )

export const LoadResult = Type.Object(
  {
    anomaly_detector: Type.Optional(loadedModel('The anomaly detector. Absent when it was not requested.')),
    rate_optimizer: Type.Optional(loadedModel('The rate optimizer. Absent when it was not requested.')),
  },
  { $id: 'LoadResult', description: 'The outcome for each model.', examples: [LOAD_RESULT] },
)

export const ResetResult = Type.Object(
  { reset: Type.Literal(true, { description: 'Always true.' }) },
  { $id: 'ResetResult', description: 'No model is active now.' },
)
