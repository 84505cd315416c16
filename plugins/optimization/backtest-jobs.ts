import { randomUUID } from 'node:crypto'
import { databaseFailure, ServiceError } from '../http/errors.js'
import { watchJob } from '../watch-job.js'
import type { BacktestOutcome } from './backtest.js'

/** A backtest in the background. */
export interface BacktestJob {
  readonly id: string
  readonly state: 'running' | 'done' | 'failed' | 'stopped'
  readonly stage: 'waiting' | 'replaying'
  /** Share of the range that is replayed, 0…1. */
  readonly share: number
  readonly request: unknown
  readonly stopRequested: boolean
  readonly startedAt: Date
  readonly endedAt: Date | null
  readonly elapsedSeconds: number
  /** Null unless it is done. */
  readonly result: BacktestOutcome | null
  readonly error: { readonly code: string; readonly message: string } | null
}

/** The backtests of this replica: those under way, and the newest that have ended. */
export interface BacktestJobs {
  /** @param work ends with the signal */
  begin(request: object, work: Work): BacktestJob
  /** @throws ServiceError JOB_NOT_FOUND */
  find(id: string): BacktestJob
  /** One that has ended stays as it is. */
  stop(id: string): BacktestJob
  /** Yields the job at each change, until it ends or the signal is aborted. */
  watch(id: string, signal: AbortSignal): AsyncGenerator<BacktestJob>
}

type Work = (signal: AbortSignal, onProgress: (share: number) => void) => Promise<BacktestOutcome>
type Kept = BacktestJob & { readonly stopping: AbortController }

const MAX_KEPT = 20
const POLL_MS = 250
const INTERNAL = {
  code: 'INTERNAL_ERROR',
  message: 'The backtest has failed. The log of the service has the reason.',
}

export function createBacktestJobs(now: () => Date, onFailure: (error: unknown) => void): BacktestJobs {
  const jobs = new Map<string, Kept>()
  const change = (id: string, changes: Partial<Kept>) => {
    const job = jobs.get(id)
    if (job) jobs.set(id, { ...job, ...changes })
  }
  const forgetOldest = () => {
    const ended = [...jobs.values()].filter(({ state }) => state !== 'running')
    for (const { id } of ended.slice(0, Math.max(0, jobs.size - MAX_KEPT))) jobs.delete(id)
  }
  const carryOut = async (id: string, work: Work, stopping: AbortController) => {
    try {
      const result = await work(stopping.signal, (share) => change(id, { share, stage: 'replaying' }))
      change(id, { state: 'done', stage: 'replaying', share: 1, result, endedAt: now() })
    } catch (error) {
      const isStopped = stopping.signal.aborted
      const failure = error instanceof ServiceError ? error : databaseFailure(error)
      if (failure === undefined) onFailure(error)
      const { code, message } = isStopped ? stopped() : (failure ?? INTERNAL)
      change(id, { state: isStopped ? 'stopped' : 'failed', error: { code, message }, endedAt: now() })
    }
  }
  const find = (id: string): BacktestJob => {
    const job = jobs.get(id)
    if (!job) throw notFound(id)
    return { ...job, elapsedSeconds: ((job.endedAt ?? now()).getTime() - job.startedAt.getTime()) / 1000 }
  }
  return {
    begin(request, work) {
      const id = randomUUID()
      const stopping = new AbortController()
      jobs.set(id, {
        ...{ id, state: 'running', stage: 'waiting', share: 0, request, stopRequested: false, stopping },
        ...{ startedAt: now(), endedAt: null, elapsedSeconds: 0, result: null, error: null },
      })
      forgetOldest()
      void carryOut(id, work, stopping)
      return find(id)
    },
    find,
    stop(id) {
      if (find(id).state !== 'running') return find(id)
      change(id, { stopRequested: true })
      jobs.get(id)!.stopping.abort(stopped())
      return find(id)
    },
    watch: (id, signal) => watchJob(() => find(id), POLL_MS, signal),
  }
}

function stopped(): ServiceError {
  return new ServiceError('BACKTEST_STOPPED', 'The backtest was stopped on request.')
}

function notFound(id: string): ServiceError {
  const message = `There is no backtest ${id}. Each replica keeps its own newest ${MAX_KEPT}. POST /optimize/backtest with wait false begins one.`
  return new ServiceError('JOB_NOT_FOUND', message)
}
