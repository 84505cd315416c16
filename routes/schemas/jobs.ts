import { Type, type Static } from '@sinclair/typebox'
import { TrainResult, type TrainedDetector, type TrainedOptimizer } from './training.js'
import { nullable, oneOf, ref, Timestamp } from './types.js'

export const JobParams = Type.Object({
  id: Type.String({ format: 'uuid', description: 'The id of the run.' }),
})

export const TrainingJob = Type.Object(
  {
    id: Type.String({ format: 'uuid' }),
    state: oneOf(['running', 'done', 'failed', 'stopped']),
    stage: oneOf(['waiting', 'rollups', 'reading', 'arrivals', 'fitting', 'publishing'], {
      description: 'What the run is at, or was when it ended.',
    }),
    progress: Type.Number({ minimum: 0, maximum: 1, description: 'Share of the run that is done.' }),
    estimated_seconds_left: nullable(Type.Number({ minimum: 0 }), {
      description: 'From the share done and the time it took; null when there is too little of it to tell.',
    }),
    elapsed_seconds: Type.Number({ minimum: 0 }),
    started_at: Timestamp,
    ended_at: nullable(Timestamp),
    stop_requested: Type.Boolean(),
    request: Type.Unknown({ description: 'What was asked for.' }),
    result: nullable(ref(TrainResult), { description: 'When the state is done.' }),
    error: nullable(Type.Object({ code: Type.String(), message: Type.String() }), {
      description: 'Why the run has failed or was stopped.',
    }),
  },
  { $id: 'TrainingJob' },
)

/** What a run gives, in the names of the capability. */
interface Result {
  readonly anomaly?: DetectorResult | null
  readonly optimizer?: OptimizerResult | null
}

interface DetectorResult {
  readonly trained: boolean
  readonly samples: number
  readonly threshold: number | null
  readonly version: string | null
  readonly timestamp: string
  readonly error: string | null
  readonly warnings: readonly string[]
}

interface OptimizerResult {
  readonly trained: boolean
  readonly endpoints: number
  readonly version: string | null
  readonly timestamp: string
  readonly error: string | null
  readonly requests: number
  readonly readSeconds: number
  readonly incidentMinutes: number
  /** Stored results of earlier releases have none. */
  readonly warnings?: readonly string[]
}

interface Job {
  readonly id: string
  readonly state: Static<typeof TrainingJob>['state']
  readonly stage: string
  readonly share: number
  readonly request: unknown
  readonly stopRequested: boolean
  readonly startedAt: Date
  readonly endedAt: Date | null
  readonly elapsedSeconds: number
  readonly result: unknown
  readonly error: { readonly code: string; readonly message: string } | null
}

export function toTrainedDetector(result: DetectorResult): Static<typeof TrainedDetector> {
  const { trained, samples, threshold, version, timestamp, error, warnings } = result
  const failure = error === null ? {} : { error }
  return {
    trained,
    samples,
    score_threshold: threshold,
    timestamp,
    version,
    ...failure,
    warnings: [...warnings],
  }
}

export function toTrainResult({ anomaly, optimizer }: Result): Static<typeof TrainResult> {
  return {
    anomaly_detector: anomaly ? toTrainedDetector(anomaly) : null,
    rate_optimizer: optimizer ? toTrainedOptimizer(optimizer) : null,
  }
}

function toTrainedOptimizer(result: OptimizerResult): Static<typeof TrainedOptimizer> {
  const { trained, endpoints, version, timestamp, error, requests } = result
  const { readSeconds, incidentMinutes, warnings = [] } = result
  return {
    trained,
    endpoints,
    timestamp,
    version,
    ...(error !== null && { error }),
    requests,
    read_seconds: readSeconds,
    incident_minutes: incidentMinutes,
    warnings: [...warnings],
  }
}

/** Below this share of a run the time it has taken says little of what it will take. */
const TELLING_SHARE = 0.05

export function toTrainingJob(job: Job): Static<typeof TrainingJob> {
  const { id, state, share, elapsedSeconds, request, error } = job
  const isTelling = state === 'running' && share >= TELLING_SHARE
  return {
    id,
    state,
    stage: job.stage as Static<typeof TrainingJob>['stage'],
    progress: share,
    estimated_seconds_left: isTelling ? (elapsedSeconds * (1 - share)) / share : null,
    elapsed_seconds: elapsedSeconds,
    started_at: job.startedAt.toISOString(),
    ended_at: job.endedAt?.toISOString() ?? null,
    stop_requested: job.stopRequested,
    request,
    result: state === 'done' ? toTrainResult(job.result as Result) : null,
    error: error && { code: error.code, message: error.message },
  }
}
