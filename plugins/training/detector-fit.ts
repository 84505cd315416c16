import { Worker } from 'node:worker_threads'
import { ServiceError } from '../http/errors.js'
import { orAborted } from '../../db/or-aborted.js'
import type { FittedModel, TrainingOutcome, TrainingTask } from './detector-worker.js'

/** A worker runs JavaScript: when this is TypeScript (tsx), it takes the built file. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/plugins/training/detector-worker.js' : './detector-worker.js',
  import.meta.url,
)

/** Fits in a thread of its own, which ends at the signal. */
export async function fitInWorker(task: TrainingTask, signal: AbortSignal): Promise<FittedModel> {
  const worker = new Worker(WORKER, { workerData: task })
  try {
    const outcome = await orAborted(outcomeOf(worker), signal)
    if (!('invalidFile' in outcome)) return outcome
    const file = 'file' in task.source ? task.source.file : 'The traffic'
    const message = `${file} cannot be learned from: ${outcome.invalidFile}. POST /generate/synthetic writes it anew.`
    throw new ServiceError('INVALID_SYNTHETIC_DATA', message)
  } finally {
    await worker.terminate()
  }
}

function outcomeOf(worker: Worker): Promise<TrainingOutcome> {
  return new Promise((resolve, reject) => {
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('The training worker ended without a word.')))
  })
}
