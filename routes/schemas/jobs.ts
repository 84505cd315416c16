import { Type, type Static } from '@sinclair/typebox'
import { FINISHED_JOB, RUNNING_JOB } from './examples/training.js'
import { TrainResult, type TrainedDetector, type TrainedOptimizer } from './training.js'
import { jobProgress } from '../mappers/job-progress.js'
import { sensitivityMap } from '../mappers/sensitivity.js'
import { amount, nullable, oneOf, ref, share, Timestamp, timestamp } from './types.js'

export const JobParams = Type.Object({
  id: Type.String({ format: 'uuid', description: 'Id of the training run, a UUID.' }),
})

export const TrainingJob = Type.Object(
  {
    id: Type.String({ format: 'uuid', description: 'Id of the training run, a UUID.' }),
    state: oneOf(['running', 'done', 'failed', 'stopped'], { description: 'State of the run.' }),
    stage: oneOf(['waiting', 'rollups', 'reading', 'arrivals', 'fitting', 'publishing'], {
      description: 'The current step of the run, or its last step.',
    }),
    progress: share('Completed share of the run, 0 to 1.'),
    estimated_seconds_left: nullable(Type.Number({ minimum: 0 }), {
      description:
        'Estimated seconds until the end. Null when the run has ended and while there is too little progress for an estimate.',
    }),
    elapsed_seconds: amount('Seconds since the run began, or its duration in seconds.'),
    started_at: timestamp('When the run began.'),
    ended_at: nullable(Timestamp, { description: 'When the run ended. Null while it is running.' }),
    stop_requested: Type.Boolean({ description: 'True if somebody has asked the run to stop.' }),
    request: Type.Unknown({ description: 'The fields of the request that began the run.' }),
    result: nullable(ref(TrainResult), { description: 'The outcome. Null unless the state is done.' }),
    error: nullable(
      Type.Object({
        code: Type.String({ description: 'A stable code.' }),
        message: Type.String({ description: 'What is wrong and what to do next.' }),
      }),
      { description: 'Why the run failed or was stopped. Null otherwise.' },
    ),
  },
  {
    $id: 'TrainingJob',
    description: 'A training run and its progress.',
    examples: [RUNNING_JOB, FINISHED_JOB],
  },
)

/** The outcome of a run, in the names of the capability. */
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
  /** Runs of older releases have none. */
  readonly sensitivity?: Parameters<typeof sensitivityMap>[0]
  readonly warnings: readonly string[]
  /** Runs of older releases have none: what they trained became active. */
  readonly incidentMinutes?: number
  readonly activated?: boolean
  readonly refused?: string | null
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
  /** Absent in results that an earlier release stored. */
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
  const { trained, samples, threshold, version, timestamp, error, sensitivity = [], warnings } = result
  const { incidentMinutes = 0, activated = trained, refused = null } = result
  const failure = error === null ? {} : { error }
  return {
    trained,
    samples,
    score_threshold: threshold,
    timestamp,
    version,
    activated,
    refused,
    incident_minutes: incidentMinutes,
    ...failure,
    sensitivity: sensitivityMap(sensitivity),
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

export function toTrainingJob(job: Job): Static<typeof TrainingJob> {
  const { id, state, request, error } = job
  return {
    id,
    state,
    stage: job.stage as Static<typeof TrainingJob>['stage'],
    ...jobProgress(job),
    request,
    result: state === 'done' ? toTrainResult(job.result as Result) : null,
    error: error && { code: error.code, message: error.message },
  }
}
