import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { TrainingStatus } from '../schemas/training-status.js'
import { detectorInfo, OPTIMIZER_SETTINGS, optimizerInfo } from './model-info.js'

type Job = Awaited<ReturnType<FastifyInstance['training']['jobs']['current']>>
type Active = FastifyInstance['models']['active']
type Status = Static<typeof TrainingStatus>

/** The active models and the present run as HTTP has them. */
export function toTrainingStatus(job: Job, { anomaly, optimizer }: Active): Status {
  return {
    training: job !== null,
    started_at: job?.startedAt.toISOString() ?? null,
    job: job?.id ?? null,
    anomaly_detector: anomaly ? detectorStatus(anomaly) : { ...NONE, training_samples: 0 },
    rate_optimizer: optimizer ? optimizerStatus(optimizer) : NO_OPTIMIZER,
  }
}

const NONE = { loaded: false, trained: false, is_trained: false, version: null, training_timestamp: null }
const NO_OPTIMIZER = { ...NONE, ...OPTIMIZER_SETTINGS, endpoint_count: 0, endpoints: [] }

function detectorStatus(active: NonNullable<Active['anomaly']>): Status['anomaly_detector'] {
  const info = detectorInfo(active)
  return {
    ...{ loaded: true, trained: true, is_trained: true, version: info.version },
    training_timestamp: info.training_timestamp,
    training_samples: info.training_samples,
    contamination: info.contamination,
    n_estimators: info.n_estimators,
    score_threshold: info.score_threshold,
    feature_names: info.feature_names,
    baselines: info.baselines,
  }
}

function optimizerStatus(active: NonNullable<Active['optimizer']>): Status['rate_optimizer'] {
  const { version, training_timestamp, strategy, headroom_percent, endpoint_count, endpoints } =
    optimizerInfo(active)
  return {
    ...{ loaded: true, trained: true, is_trained: true, version, training_timestamp },
    ...{ strategy, headroom_percent, endpoint_count, endpoints },
  }
}
