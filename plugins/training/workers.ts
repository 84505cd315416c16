import { basename } from 'node:path'
import { ServiceError } from '../http/errors.js'
import type { DetectorOutcome, DetectorTask, FittedDetector } from './detector-worker.js'
import type { FittedOptimizer, OptimizerOutcome, OptimizerTask } from './optimizer-worker.js'
import { QUERY_GRACE_MS, runWorker } from '../workers/run-worker.js'
import { fromFailure } from '../workers/worker-failure.js'

/**
 * Fits a detector in a worker thread, which ends at the signal.
 * @throws ServiceError INVALID_SYNTHETIC_DATA
 */
export async function fitDetector(task: DetectorTask, signal: AbortSignal): Promise<FittedDetector> {
  const outcome = await runWorker<DetectorOutcome>('training/detector-worker', task, { signal, graceMs: 0 })
  if (!('invalidFile' in outcome)) return outcome
  const file = 'file' in task.source ? `${basename(task.source.file)} in DATA_PATH` : 'The traffic'
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
  const outcome = await runWorker<OptimizerOutcome>('training/optimizer-worker', task, options)
  if (!('failed' in outcome)) return outcome
  throw fromFailure(outcome, task.table)
}
