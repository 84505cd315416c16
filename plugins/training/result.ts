import type { HistoryGaps } from '../../db/traffic/history-gaps.js'
import type { Sensitivity } from '../../models/stream/sensitivity.js'
import type { ModelName, StoredModels, TrainedModels, TrainingRecord } from '../model-registry.js'
import type { FittedDetector } from './detector-worker.js'
import type { FittedOptimizer } from './optimizer-worker.js'

/** How a run ended; null for a model that the request does not name. */
export interface TrainingResult {
  readonly anomaly: DetectorResult | null
  readonly optimizer: OptimizerResult | null
}

export interface DetectorResult {
  readonly trained: boolean
  /** Minutes in the training set. */
  readonly samples: number
  /** The threshold, and the version; null when not trained. */
  readonly threshold: number | null
  readonly version: string | null
  readonly timestamp: string
  readonly error: string | null
  /** The smallest changes that it finds; empty when not trained. */
  readonly sensitivity: readonly Sensitivity[]
  readonly warnings: readonly string[]
  /** Minutes that people marked as incidents, and that were not learned. */
  readonly incidentMinutes: number
  /** Whether the version became active, and why not; null if it did, or when not trained. */
  readonly activated: boolean
  readonly refused: string | null
}

export interface OptimizerResult {
  readonly trained: boolean
  readonly endpoints: number
  readonly version: string | null
  readonly timestamp: string
  readonly error: string | null
  /** How many requests were read, and how long that took. */
  readonly requests: number
  readonly readSeconds: number
  readonly incidentMinutes: number
  readonly warnings: readonly string[]
}

/** Why new models are not activated, in sentences. Models that are not in it are activated. */
export type Refusals = ReadonlyMap<ModelName, string>

/** What a run has made of its samples. */
export interface Learned {
  readonly detector: FittedDetector | null
  readonly optimizer: FittedOptimizer | null
  readonly durationSeconds: number
  /** Null when the samples are not from the traffic table. */
  readonly gaps: HistoryGaps | null
  /** About the source of the detector's samples. */
  readonly warnings: readonly string[]
}

/** Where the samples of a run come from. */
export type TrainingOrigin = Pick<TrainingRecord, 'source' | 'from' | 'to' | 'exclude'>

const INSUFFICIENT = 'Insufficient training data'

/** Fixed, so that the same samples make the same model. */
export const SEED = 1

/** The models to publish. */
export function toTrained(
  { origin, requestOrigin }: { readonly origin: TrainingOrigin; readonly requestOrigin: TrainingOrigin },
  parameters: { readonly contamination: number; readonly anomalyThreshold: number },
  { detector, optimizer, durationSeconds }: Learned,
): TrainedModels {
  const anomaly = detector?.model && {
    model: detector.model,
    training: detectorRecord(origin, { ...detector, model: detector.model }, parameters, durationSeconds),
  }
  const isEmpty = !optimizer || optimizer.model.byTemplate.size === 0
  const record = optimizer && optimizerRecord(requestOrigin, optimizer, durationSeconds)
  return {
    anomaly: anomaly ?? null,
    optimizer: isEmpty ? null : { model: optimizer.model, training: record! },
  }
}

export function toResult(
  { detector, optimizer, gaps, warnings }: Learned,
  stored: StoredModels,
  timestamp: string,
  refusals: Refusals = new Map(),
): TrainingResult {
  const refused = refusals.get('anomaly') ?? null
  return {
    anomaly: detector && {
      trained: stored.anomaly !== null,
      samples: detector.samples,
      threshold: stored.anomaly?.model.threshold ?? null,
      version: stored.anomaly?.version ?? null,
      timestamp: stored.anomaly?.trainedAt ?? timestamp,
      error: stored.anomaly ? null : INSUFFICIENT,
      sensitivity: detector.sensitivity,
      warnings: [...warnings, ...(gaps ? detectorGaps(gaps, detector.samples) : []), ...detector.warnings],
      incidentMinutes: detector.incidentMinutes,
      activated: stored.anomaly !== null && refused === null,
      refused: stored.anomaly && refused,
    },
    optimizer: optimizer && {
      trained: stored.optimizer !== null,
      endpoints: optimizer.model.byTemplate.size,
      version: stored.optimizer?.version ?? null,
      timestamp: stored.optimizer?.trainedAt ?? timestamp,
      error: stored.optimizer ? null : INSUFFICIENT,
      requests: optimizer.requestsRead,
      readSeconds: optimizer.readSeconds,
      incidentMinutes: optimizer.incidentMinutes,
      warnings: gaps ? optimizerGaps(gaps) : [],
    },
  }
}

function detectorRecord(
  origin: TrainingOrigin,
  { model, range, anomalyShare }: FittedDetector & { readonly model: NonNullable<FittedDetector['model']> },
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
      interval_seconds: model.intervalSeconds,
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

/** What the history lacks for the detector, in sentences. */
function detectorGaps(gaps: HistoryGaps, samples: number): string[] {
  const { minutesWithoutLatency } = gaps
  if (minutesWithoutLatency > 0) {
    const text = `${minutesWithoutLatency} minutes have requests but no latencies. Their traffic and errors are learned. Access logs in the common and combined formats hold no latencies.`
    return [text]
  }
  return samples === 0 ? nothingInRange(gaps) : []
}

/** The least share of requests to endpoints without a name that is worth a warning. */
const MIN_NAMELESS_SHARE = 0.01

function optimizerGaps(gaps: HistoryGaps): string[] {
  const { requests, namelessRequests } = gaps
  if (requests === 0) return nothingInRange(gaps)
  if (namelessRequests < MIN_NAMELESS_SHARE * requests) return []
  const text = `${namelessRequests} of ${requests} requests belong to endpoints without a name, such as paths that are not found or that one client alone asks for. No limits are learned for these endpoints. GET /endpoints?state=other lists them.`
  return [text]
}

/** Why a range may have no requests. */
function nothingInRange({ newestBefore, otherWithRows }: HistoryGaps): string[] {
  const older = newestBefore === null ? [] : [olderOnly(newestBefore)]
  return otherWithRows === null ? older : [...older, inOtherTable(otherWithRows)]
}

function inOtherTable(other: string): string {
  return `The table that was trained on has no requests in this range, but ${other} has rows. Set TRAFFIC_TABLE=${other} to use that table.`
}

function olderOnly(newest: Date): string {
  return `There are no requests in this range; the newest before it is of ${newest.toISOString()}. Give from and to, or more days.`
}
