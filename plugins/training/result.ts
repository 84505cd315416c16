import type { HistoryGaps } from '../../db/traffic/history-gaps.js'
import type { TrainingRecord } from '../model-registry/artifact.js'
import type { PublishedModels, TrainedModels } from '../model-registry.js'
import type { FittedOptimizer } from './optimizer-worker.js'
import type { FittedModel } from './detector-worker.js'

/** How a run ended; null for a model that was not asked for. */
export interface TrainingResult {
  readonly anomaly: DetectorResult | null
  readonly optimizer: OptimizerResult | null
}

export interface DetectorResult {
  readonly trained: boolean
  /** Minutes that were learned from. */
  readonly samples: number
  /** The threshold, and the version that is active now; null when not trained. */
  readonly threshold: number | null
  readonly version: string | null
  readonly timestamp: string
  readonly error: string | null
  readonly warnings: readonly string[]
}

export interface OptimizerResult {
  readonly trained: boolean
  readonly endpoints: number
  readonly version: string | null
  readonly timestamp: string
  readonly error: string | null
  /** What the pass over the requests has cost. */
  readonly requests: number
  readonly readSeconds: number
  readonly incidentMinutes: number
  readonly warnings: readonly string[]
}

/** What a run has learned. */
export interface Learned {
  readonly detector: FittedModel | null
  readonly optimizer: FittedOptimizer | null
  readonly durationSeconds: number
  /** Null for a history that is not of the traffic table. */
  readonly gaps: HistoryGaps | null
}

/** Where what a run learned from was. */
export type TrainingOrigin = Pick<TrainingRecord, 'source' | 'from' | 'to' | 'exclude'>

const INSUFFICIENT = 'Insufficient training data'

/** The same samples make the same model. */
export const SEED = 1

export const NOTHING_PUBLISHED: PublishedModels = { anomaly: null, optimizer: null }

/** What of the learned there is to publish. */
export function toTrained(
  origin: TrainingOrigin,
  parameters: { readonly contamination: number; readonly anomalyThreshold: number },
  { detector, optimizer, durationSeconds }: Learned,
): TrainedModels {
  const anomaly = detector?.model && {
    model: detector.model,
    training: detectorRecord(origin, { ...detector, model: detector.model }, parameters, durationSeconds),
  }
  const isEmpty = !optimizer || optimizer.model.byTemplate.size === 0
  const record = optimizer && optimizerRecord(origin, optimizer, durationSeconds)
  return {
    anomaly: anomaly ?? null,
    optimizer: isEmpty ? null : { model: optimizer.model, training: record! },
  }
}

export function toResult(
  { detector, optimizer, gaps }: Learned,
  published: PublishedModels,
  timestamp: string,
): TrainingResult {
  return {
    anomaly: detector && {
      trained: published.anomaly !== null,
      samples: detector.samples,
      threshold: published.anomaly?.model.threshold ?? null,
      version: published.anomaly?.version ?? null,
      timestamp: published.anomaly?.trainedAt ?? timestamp,
      error: published.anomaly ? null : INSUFFICIENT,
      warnings: [...(gaps ? detectorGaps(gaps, detector.samples) : []), ...detector.warnings],
    },
    optimizer: optimizer && {
      trained: published.optimizer !== null,
      endpoints: optimizer.model.byTemplate.size,
      version: published.optimizer?.version ?? null,
      timestamp: published.optimizer?.trainedAt ?? timestamp,
      error: published.optimizer ? null : INSUFFICIENT,
      requests: optimizer.requestsRead,
      readSeconds: optimizer.readSeconds,
      incidentMinutes: optimizer.incidentMinutes,
      warnings: gaps ? optimizerGaps(gaps) : [],
    },
  }
}

function detectorRecord(
  origin: TrainingOrigin,
  { model, range, anomalyShare }: FittedModel & { readonly model: NonNullable<FittedModel['model']> },
  { contamination, anomalyThreshold }: { readonly contamination: number; readonly anomalyThreshold: number },
  durationSeconds: number,
): TrainingRecord {
  return {
    ...origin,
    from: origin.from ?? range?.from ?? null,
    to: origin.to ?? range?.to ?? null,
    durationSeconds,
    parameters: {
      contamination,
      anomaly_threshold: anomalyThreshold,
      n_estimators: model.forest.nEstimators,
      max_samples: model.forest.maxSamples,
      seed: SEED,
    },
    metrics: { score_threshold: model.threshold, anomaly_share: anomalyShare },
  }
}

function optimizerRecord(
  origin: TrainingOrigin,
  fitted: FittedOptimizer,
  durationSeconds: number,
): TrainingRecord {
  const { model, requestsRead, readSeconds } = fitted
  return {
    ...origin,
    durationSeconds,
    parameters: { seed: SEED },
    metrics: { endpoints: model.byTemplate.size, requests_read: requestsRead, read_seconds: readSeconds },
  }
}

/** Where the history falls short of what the detector needs, in sentences. */
function detectorGaps({ minutesWithoutLatency, newestBefore }: HistoryGaps, samples: number): string[] {
  if (minutesWithoutLatency > 0) {
    const text = `${minutesWithoutLatency} minutes have requests but no latencies, and were left out: access logs in the common and combined formats hold none.`
    return [text]
  }
  return samples === 0 && newestBefore !== null ? [olderOnly(newestBefore)] : []
}

/** From this share on it is worth saying that requests are of endpoints without a name. */
const MUCH = 0.01

function optimizerGaps({ requests, namelessRequests, newestBefore }: HistoryGaps): string[] {
  if (requests === 0) return newestBefore === null ? [] : [olderOnly(newestBefore)]
  if (namelessRequests < MUCH * requests) return []
  const text = `${namelessRequests} of ${requests} requests are of endpoints that came after the first 2000, which are all that are told apart: no limits are learned for them.`
  return [text]
}

function olderOnly(newest: Date): string {
  return `There are no requests in this range; the newest before it is of ${newest.toISOString()}: give from and to, or more days.`
}
