import { setTimeout as delay } from 'node:timers/promises'
import { askService, type ServiceRequest } from '../cli/ask-service.js'
import { NoDataError, UsageError } from '../cli/errors.js'

/** What is read of a job; see BacktestJob of the contract. */
export interface Job {
  readonly id: string
  readonly state: 'running' | 'done' | 'failed' | 'stopped'
  readonly progress: number
  readonly result: Report | null
  readonly error: { readonly code: string; readonly message: string } | null
}

interface Tally {
  readonly requests: number
  readonly rejected: number
}

interface LimitTally {
  readonly scope: string
  readonly limit: string
  readonly rejected: number
  readonly clients: number
}

/** What is read of a report; see Backtest of the contract. */
export interface Report extends Tally {
  readonly scope: string
  readonly from: string
  readonly to: string
  readonly rejection_rate: number
  readonly clients: number
  readonly clients_affected: number
  readonly seconds: number
  /** Not from a service of an earlier release. */
  readonly by_limit?: readonly LimitTally[]
  readonly by_endpoint: readonly (Tally & { readonly endpoint: string })[]
  readonly worst_clients: readonly (Tally & { readonly client: string })[]
  readonly worst_minutes: readonly (Tally & { readonly minute: string })[]
}

const POLL_MS = 250
/** Of the last words, when the command is stopped. */
const MAX_STOP_MS = 2_000
const JOBS = '/optimize/backtest/jobs'

/**
 * Runs a backtest in a service, and stops it there when the signal is aborted.
 * @param onProgress takes the share that is done, 0…1
 * @throws UsageError, NoDataError, ServiceAwayError
 */
export async function runBacktest(
  url: string,
  body: object,
  onProgress: (share: number) => void,
  stop: AbortSignal,
): Promise<Report> {
  let job = await ask(url, '/optimize/backtest', { method: 'POST', body: { ...body, wait: false } }, stop)
  try {
    while (job.state === 'running') {
      onProgress(job.progress)
      await delay(POLL_MS, undefined, { signal: stop })
      job = await ask(url, `${JOBS}/${job.id}`, { method: 'GET' }, stop)
    }
  } catch (error) {
    const lastWords = AbortSignal.timeout(MAX_STOP_MS)
    await ask(url, `${JOBS}/${job.id}`, { method: 'DELETE' }, lastWords).catch(() => undefined)
    throw error
  }
  if (job.result) return job.result
  throw failureOf(job.error ?? { code: 'INTERNAL_ERROR', message: 'The backtest has failed.' })
}

async function ask(url: string, path: string, request: ServiceRequest, stop: AbortSignal): Promise<Job> {
  const { data, code, message } = await askService<Job>(url, path, request, stop)
  if (data !== undefined) return data
  throw failureOf({ code, message })
}

const OF_THE_REQUEST = [
  'INVALID_REQUEST',
  'UNAUTHENTICATED',
  'FORBIDDEN',
  'MODEL_NOT_TRAINED',
  'NOT_FOUND',
  '',
]

function failureOf({ code, message }: { code: string; message: string }): Error {
  if (code === 'NO_DATA') return new NoDataError(message)
  return OF_THE_REQUEST.includes(code) ? new UsageError(message) : new Error(message)
}
