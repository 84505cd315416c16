import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { orAborted } from '../../db/or-aborted.js'
import { TrafficTableError } from '../../db/traffic/rollups.js'
import { ServiceError } from '../http/errors.js'
import type { DetectorOutcome, DetectorTask, FittedDetector } from './detector-worker.js'
import type { FittedOptimizer, OptimizerOutcome, OptimizerTask } from './optimizer-worker.js'
import type { WorkerMessage } from './worker-message.js'

interface WorkerOptions {
  readonly signal: AbortSignal
  /** How long the worker may take to end by itself: after its outcome, and after the signal asks it to stop. */
  readonly graceMs: number
  readonly onProgress?: (share: number) => void
}

/** Time for a worker that is asked to stop to end its queries. */
const QUERY_GRACE_MS = 3_000

/**
 * Fits a detector in a worker thread, which ends at the signal.
 * @throws ServiceError INVALID_SYNTHETIC_DATA
 */
export async function fitDetector(task: DetectorTask, signal: AbortSignal): Promise<FittedDetector> {
  const outcome = await runWorker<DetectorOutcome>('detector-worker', task, { signal, graceMs: 0 })
  if (!('invalidFile' in outcome)) return outcome
  const file = 'file' in task.source ? task.source.file : 'The traffic'
  const message = `${file} cannot be learned from: ${outcome.invalidFile}. POST /generate/synthetic writes it anew.`
  throw new ServiceError('INVALID_SYNTHETIC_DATA', message)
}

/** Reads the requests and fits an optimizer in a worker thread, which ends at the signal. */
export async function fitOptimizer(
  task: OptimizerTask,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<FittedOptimizer> {
  signal.throwIfAborted()
  const options = { signal, graceMs: QUERY_GRACE_MS, onProgress }
  const outcome = await runWorker<OptimizerOutcome>('optimizer-worker', task, options)
  if (!('failed' in outcome)) return outcome
  const { message, code, tableProblem } = outcome.failed
  if (tableProblem !== null) throw new TrafficTableError(task.table, tableProblem)
  throw Object.assign(new Error(message), code !== undefined && { code })
}

/** A worker runs JavaScript: where this file is TypeScript (under tsx), the worker is taken from the build. */
const FOLDER = import.meta.url.endsWith('.ts') ? '../../dist/plugins/training/' : './'

async function runWorker<Outcome>(name: string, task: object, options: WorkerOptions): Promise<Outcome> {
  const { signal, graceMs, onProgress } = options
  const worker = new Worker(new URL(`${FOLDER}${name}.js`, import.meta.url), { workerData: task })
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  const outcome = new Promise<Outcome>((resolve, reject) => {
    worker.on('message', (message: WorkerMessage<Outcome>) => {
      if ('progress' in message) onProgress?.(message.progress)
      else resolve(message.outcome)
    })
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error(`The ${name} ended without an outcome.`)))
  })
  try {
    return await orAborted(outcome, signal)
  } finally {
    if (signal.aborted) worker.postMessage('stop')
    await Promise.race([ended, delay(graceMs, undefined, { ref: false })])
    await worker.terminate()
  }
}
