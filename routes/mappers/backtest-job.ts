import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { BacktestJob } from '../schemas/backtest-job.js'
import { toBacktest } from './backtest.js'

type Job = ReturnType<FastifyInstance['optimization']['backtestJobs']['find']>

/** With less progress, the elapsed time is no basis for an estimate. */
const MIN_SHARE_TO_ESTIMATE = 0.05

/** A backtest in the background as HTTP has it. */
export function toBacktestJob(job: Job): Static<typeof BacktestJob> {
  const { id, state, stage, share: progress, elapsedSeconds, request, result, error } = job
  const canEstimate = state === 'running' && progress >= MIN_SHARE_TO_ESTIMATE
  return {
    ...{ id, state, stage, progress },
    estimated_seconds_left: canEstimate ? (elapsedSeconds * (1 - progress)) / progress : null,
    elapsed_seconds: elapsedSeconds,
    started_at: job.startedAt.toISOString(),
    ended_at: job.endedAt?.toISOString() ?? null,
    stop_requested: job.stopRequested,
    request,
    result: result && toBacktest(result),
    error,
  }
}
