interface RunningJob {
  readonly state: string
  /** 0…1. */
  readonly share: number
  readonly elapsedSeconds: number
  readonly startedAt: Date
  readonly endedAt: Date | null
  readonly stopRequested: boolean
}

/** With less progress, the elapsed time is no basis for an estimate. */
const MIN_SHARE_TO_ESTIMATE = 0.05

/** How far a job is, as HTTP has it. */
export function jobProgress({ state, share, elapsedSeconds, startedAt, endedAt, stopRequested }: RunningJob) {
  const canEstimate = state === 'running' && share >= MIN_SHARE_TO_ESTIMATE
  return {
    progress: share,
    estimated_seconds_left: canEstimate ? (elapsedSeconds * (1 - share)) / share : null,
    elapsed_seconds: elapsedSeconds,
    started_at: startedAt.toISOString(),
    ended_at: endedAt?.toISOString() ?? null,
    stop_requested: stopRequested,
  }
}
