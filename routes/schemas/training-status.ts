import { Type } from '@sinclair/typebox'
import { TRAINING_STATUS } from './examples/training.js'
import { DetectorInfo, OptimizerInfo } from './models.js'
import { count, nullable, Timestamp } from './types.js'

const { contamination, n_estimators, score_threshold, feature_names, baselines } = DetectorInfo.properties
const { strategy, headroom_percent, endpoint_count, endpoints } = OptimizerInfo.properties

const activeModel = {
  loaded: Type.Boolean({ description: 'True if a version is active.' }),
  trained: Type.Boolean({ description: 'True if the active version is trained. Equal to loaded.' }),
  is_trained: Type.Boolean({ description: 'Equal to loaded: its name in the old service.' }),
  version: nullable(Type.String(), { description: 'The active version. Null when none is active.' }),
  training_timestamp: nullable(Timestamp, {
    description: 'When the active version was trained. Null when none is active.',
  }),
}

export const TrainingStatus = Type.Object(
  {
    training: Type.Boolean({
      description:
        'True if a training run is under way on any replica. False also when the database cannot be reached.',
    }),
    started_at: nullable(Timestamp, { description: 'When that run began. Null without a run.' }),
    job: nullable(Type.String({ format: 'uuid' }), {
      description: 'Id of that run, for /train/jobs/{id}. Null without a run.',
    }),
    anomaly_detector: Type.Object(
      {
        ...activeModel,
        training_samples: count('Number of minutes in the training data.'),
        contamination: Type.Optional(contamination),
        n_estimators: Type.Optional(n_estimators),
        score_threshold: Type.Optional(score_threshold),
        feature_names: Type.Optional(feature_names),
        baselines: Type.Optional(baselines),
      },
      {
        description:
          'The active anomaly detector. The fields from contamination on are absent when none is active.',
      },
    ),
    rate_optimizer: Type.Object(
      { ...activeModel, strategy, headroom_percent, endpoint_count, endpoints },
      { description: 'The active rate optimizer.' },
    ),
  },
  {
    $id: 'TrainingStatus',
    description: 'The active models, and whether a training run is under way.',
    examples: [TRAINING_STATUS],
  },
)
