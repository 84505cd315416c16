import type { Static } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import type { BacktestJob } from '../schemas/backtest-job.js'
import { toBacktest } from './backtest.js'
import { jobProgress } from './job-progress.js'

type Job = ReturnType<FastifyInstance['optimization']['backtestJobs']['find']>

/** A backtest in the background as HTTP has it. */
export function toBacktestJob(job: Job): Static<typeof BacktestJob> {
  const { id, state, stage, request, result, error } = job
  return {
    ...{ id, state, stage },
    ...jobProgress(job),
    request,
    result: result && toBacktest(result),
    error,
  }
}
