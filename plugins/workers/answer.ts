import { parentPort, workerData } from 'node:worker_threads'
import { toFailure } from './worker-failure.js'

/**
 * Carries out the task of a worker thread, and posts how it ended. Any message from the other side stops it.
 * @param whenStopped what the error of a stopped task says
 */
export async function answerTask<Task>(
  run: (task: Task, signal: AbortSignal) => Promise<unknown>,
  whenStopped: string,
): Promise<void> {
  const stopping = new AbortController()
  parentPort!.once('message', () => stopping.abort(new Error(whenStopped)))
  try {
    parentPort!.postMessage({ outcome: await run(workerData as Task, stopping.signal) })
  } catch (error) {
    parentPort!.postMessage({ outcome: toFailure(error) })
  }
  parentPort!.close()
}
