import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { TrafficTableError } from '../../db/traffic/rollups.js'
import type { TrafficTable } from '../../db/traffic/table.js'
import type { FittedOptimizer, OptimizerMessage, OptimizerTask } from './optimizer-worker.js'
import { orAborted } from '../../db/or-aborted.js'

/** A worker runs JavaScript: when this is TypeScript (tsx), it takes the built file. */
const WORKER = new URL(
  import.meta.url.endsWith('.ts')
    ? '../../dist/plugins/training/optimizer-worker.js'
    : './optimizer-worker.js',
  import.meta.url,
)

/** How long a worker that is asked to stop may take to end its queries. */
const STOP_LIMIT_MS = 3_000

/** Reads the requests and fits the optimizer in a thread of its own, which ends at the signal. */
export async function fitOptimizerInWorker(
  task: OptimizerTask,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<FittedOptimizer> {
  signal.throwIfAborted()
  const worker = new Worker(WORKER, { workerData: task })
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  try {
    return await orAborted(outcomeOf(worker, task.table, onProgress), signal)
  } finally {
    if (signal.aborted) worker.postMessage('stop')
    await Promise.race([ended, delay(STOP_LIMIT_MS, undefined, { ref: false })])
    await worker.terminate()
  }
}

function outcomeOf(
  worker: Worker,
  table: TrafficTable,
  onProgress: (share: number) => void,
): Promise<FittedOptimizer> {
  return new Promise((resolve, reject) => {
    worker.on('message', (message: OptimizerMessage) => {
      if ('progress' in message) onProgress(message.progress)
      else if ('fitted' in message) resolve(message.fitted)
      else reject(toError(message.failed, table))
    })
    worker.once('error', reject)
    worker.once('exit', () => reject(new Error('The optimizer worker ended without a word.')))
  })
}

type Failed = Extract<OptimizerMessage, { failed: object }>['failed']

function toError({ message, code, missing }: Failed, table: TrafficTable): Error {
  if (missing !== null) return new TrafficTableError(table, missing)
  return Object.assign(new Error(message), code !== undefined && { code })
}
