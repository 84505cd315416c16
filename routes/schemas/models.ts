import { Type } from '@sinclair/typebox'
import { nullable, oneOf, perFeature, Timestamp } from './types.js'
import { ModelNames } from './training.js'

const Baseline = Type.Object({
  mean: Type.Number(),
  std: Type.Number(),
  median: Type.Number(),
  q25: Type.Number(),
  q75: Type.Number(),
  iqr: Type.Number(),
  min: Type.Number(),
  max: Type.Number(),
})

const Rhythm = Type.Object({
  rhythm: oneOf(['none', 'day', 'weekpart', 'week'], {
    description:
      'What the usual value depends on: nothing, the time of day, that of working days and of weekends, the time of the week.',
  }),
  minute_of_hour: Type.Boolean({ description: 'On the minute of the hour too, as jobs on the hour do.' }),
  sharp_minutes: Type.Integer({
    minimum: 0,
    description: 'Minutes of the day that stand out by themselves.',
  }),
  weekly_quarters: Type.Integer({
    minimum: 0,
    description: 'Quarters of an hour of the week that are like no others, as in a backup on Sundays.',
  }),
})

export const Rhythms = perFeature(Rhythm, {
  description: 'What was learned of the usual value of each feature.',
})

const Index = nullable(Type.Number({ minimum: 0 }))

const DetectorInfo = Type.Object({
  is_trained: Type.Literal(true),
  version: Type.String(),
  training_timestamp: Timestamp,
  training_samples: Type.Integer(),
  contamination: Type.Number(),
  n_estimators: Type.Integer(),
  score_threshold: Type.Number({
    description: 'The threshold on −s(x, n); the score of a verdict is −s(x, n) less this.',
  }),
  feature_names: Type.Array(Type.String()),
  baselines: perFeature(Baseline),
  time_zone: Type.String({ description: 'The rhythms follow its clocks.' }),
  rhythms: Rhythms,
  min_effects: Type.Object(
    {
      traffic: Type.Number(),
      latency: Type.Number(),
      latency_ms: Type.Number(),
      error_rate: Type.Number(),
      requests: Type.Number(),
    },
    { description: 'Deviations that are smaller never matter: MIN_EFFECT_….' },
  ),
  drift: Type.Object(
    {
      minutes: Type.Integer({ description: 'Reports that it stands on, older ones counting less.' }),
      features: perFeature(Index, { description: 'Population stability index; null without a report.' }),
      retrain: Type.Boolean({ description: 'An index is above 0.25: train anew.' }),
    },
    { description: 'How far recent reports have moved from what was learned.' },
  ),
  engine: Type.Object(
    {
      name: oneOf(['kernel', 'tensor']),
      backend: Type.String({ examples: ['javascript', 'wasm'] }),
      reason: Type.String({ description: 'Why this engine scores.' }),
    },
    { description: 'What scores the forest.' },
  ),
})

const OptimizerInfo = Type.Object({
  is_trained: Type.Literal(true),
  version: Type.String(),
  training_timestamp: Timestamp,
  training_requests: Type.Integer({ description: 'Requests of all endpoints.' }),
  strategy: oneOf(['balanced'], { description: 'The one that is meant when none is named.' }),
  headroom_percent: Type.Integer({ description: 'What is added to the busy minutes of an endpoint.' }),
  endpoint_count: Type.Integer(),
  endpoints: Type.Array(Type.String(), { description: 'Path templates.' }),
})

export const ModelInfo = Type.Object(
  {
    anomaly_detector: nullable(DetectorInfo, { description: 'Null when no model is active.' }),
    rate_optimizer: nullable(OptimizerInfo, { description: 'Null when no model is active.' }),
  },
  { $id: 'ModelInfo' },
)

const VersionInfo = Type.Object({
  version: Type.String(),
  active: Type.Boolean(),
  trained_at: Timestamp,
  training_samples: Type.Integer(),
  source: nullable(Type.String(), { description: 'The table learned from, or synthetic.' }),
  from: nullable(Timestamp, { description: 'The range learned from.' }),
  to: nullable(Timestamp),
  exclude: Type.Array(Type.Object({ from: Timestamp, to: Timestamp })),
  duration_seconds: nullable(Type.Number()),
  parameters: Type.Record(Type.String(), Type.Number()),
  metrics: Type.Record(Type.String(), Type.Number()),
  size_bytes: Type.Integer(),
})

export const ModelVersions = Type.Object(
  {
    anomaly_detector: Type.Array(VersionInfo, { description: 'The newest first.' }),
    rate_optimizer: Type.Array(VersionInfo, { description: 'The newest first.' }),
  },
  { $id: 'ModelVersions' },
)

export const ActivateBody = Type.Object(
  {
    model: oneOf(['anomaly', 'optimizer']),
    version: Type.String({
      minLength: 1,
      maxLength: 100,
      description: 'One of GET /model/versions.',
      examples: ['20260131T120000000Z'],
    }),
  },
  { $id: 'ActivateBody' },
)

export const ActivateResult = Type.Object(
  { activated: Type.Literal(true), model: oneOf(['anomaly', 'optimizer']), version: Type.String() },
  { $id: 'ActivateResult' },
)

export const LoadBody = Type.Object(
  { models: Type.Optional(ModelNames) },
  { $id: 'LoadBody', examples: [{}] },
)

const Loaded = Type.Object({
  loaded: Type.Boolean(),
  trained: Type.Boolean(),
  version: nullable(Type.String()),
  error: Type.Optional(Type.String({ examples: ['Model not found'] })),
})

export const LoadResult = Type.Object(
  {
    anomaly_detector: Type.Optional(Loaded),
    rate_optimizer: Type.Optional(Loaded),
  },
  { $id: 'LoadResult' },
)

export const ResetResult = Type.Object({ reset: Type.Literal(true) }, { $id: 'ResetResult' })
