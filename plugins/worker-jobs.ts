import { randomUUID } from 'node:crypto'
import { databaseFailure, ServiceError } from './http/errors.js'
import { watchJob } from './watch-job.js'

/** Work in a worker thread, in the background. */
export interface WorkerJob<Outcome> {
  readonly id: string
  readonly state: 'running' | 'done' | 'failed' | 'stopped'
  readonly stage: 'waiting' | 'replaying'
  /** Share of the work that is done, 0…1. */
  readonly share: number
  readonly request: unknown
  readonly stopRequested: boolean
  readonly startedAt: Date
  readonly endedAt: Date | null
  readonly elapsedSeconds: number
  /** Null unless it is done. */
  readonly result: Outcome | null
  readonly error: { readonly code: string; readonly message: string } | null
}

/** The jobs of this replica: those under way, and the newest that have ended. */
export interface WorkerJobs<Outcome> {
  /** @param work ends with the signal */
  begin(request: object, work: Work<Outcome>): WorkerJob<Outcome>
  /** @throws ServiceError JOB_NOT_FOUND */
  find(id: string): WorkerJob<Outcome>
  /** One that has ended stays as it is. */
  stop(id: string): WorkerJob<Outcome>
  /** Yields the job at each change, until it ends or the signal is aborted. */
  watch(id: string, signal: AbortSignal): AsyncGenerator<WorkerJob<Outcome>>
}

export interface WorkerJobsOptions {
  readonly now: () => Date
  readonly onFailure: (error: unknown) => void
  /** How the jobs are called in messages: "backtest". */
  readonly name: string
  /** The code of one that was stopped. */
  readonly stoppedCode: 'BACKTEST_STOPPED' | 'SCAN_STOPPED'
  /** How one begins: "POST /optimize/backtest". */
  readonly route: string
}

type Work<Outcome> = (signal: AbortSignal, onProgress: (share: number) => void) => Promise<Outcome>
type Kept<Outcome> = WorkerJob<Outcome> & { readonly stopping: AbortController }

const MAX_KEPT = 20
const POLL_MS = 250

export function createWorkerJobs<Outcome>(options: WorkerJobsOptions): WorkerJobs<Outcome> {
  const { now, onFailure, name, route, stoppedCode } = options
  const jobs = new Map<string, Kept<Outcome>>()
  const stopped = () => new ServiceError(stoppedCode, `The ${name} was stopped on request.`)
  const change = (id: string, changes: Partial<Kept<Outcome>>) => {
    const job = jobs.get(id)
    if (job) jobs.set(id, { ...job, ...changes })
  }
  const forgetOldest = () => {
    const ended = [...jobs.values()].filter(({ state }) => state !== 'running')
    for (const { id } of ended.slice(0, Math.max(0, jobs.size - MAX_KEPT))) jobs.delete(id)
  }
  const carryOut = async (id: string, work: Work<Outcome>, stopping: AbortController) => {
    try {
      const result = await work(stopping.signal, (share) => change(id, { share, stage: 'replaying' }))
      change(id, { state: 'done', stage: 'replaying', share: 1, result, endedAt: now() })
    } catch (error) {
      const isStopped = stopping.signal.aborted
      const failure = error instanceof ServiceError ? error : databaseFailure(error)
      if (failure === undefined) onFailure(error)
      const message = `The ${name} has failed. The log of the service has the reason.`
      const told = isStopped ? stopped() : (failure ?? { code: 'INTERNAL_ERROR', message })
      const state = isStopped ? 'stopped' : 'failed'
      change(id, { state, error: { code: told.code, message: told.message }, endedAt: now() })
    }
  }
  const find = (id: string): WorkerJob<Outcome> => {
    const job = jobs.get(id)
    if (job)
      return { ...job, elapsedSeconds: ((job.endedAt ?? now()).getTime() - job.startedAt.getTime()) / 1000 }
    const message = `There is no ${name} ${id}. Each replica keeps its own newest ${MAX_KEPT}. ${route} with wait false begins one.`
    throw new ServiceError('JOB_NOT_FOUND', message)
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
