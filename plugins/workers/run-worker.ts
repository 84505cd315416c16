import { setTimeout as delay } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { orAborted } from '../../db/or-aborted.js'
import { traced } from '../tracing/span.js'
import type { WorkerMessage } from './message.js'

interface WorkerOptions {
  readonly signal: AbortSignal
  /** How long the worker may take to end by itself: after its outcome, and after the signal asks it to stop. */
  readonly graceMs: number
  readonly onProgress?: (share: number) => void
}

/** Time for a worker that is asked to stop to end its queries. */
export const QUERY_GRACE_MS = 3_000

/** A worker runs JavaScript: where this file is TypeScript (under tsx), the worker is taken from the build. */
const FOLDER = import.meta.url.endsWith('.ts') ? '../../dist/plugins/' : '../'

/**
 * Runs a task in a worker thread, which ends at the signal.
 * @param name the file below plugins/, without its extension
 */
export function runWorker<Outcome>(name: string, task: object, options: WorkerOptions): Promise<Outcome> {
  return traced(`worker ${name}`, {}, () => runTask<Outcome>(name, task, options))
}

async function runTask<Outcome>(name: string, task: object, options: WorkerOptions): Promise<Outcome> {
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
