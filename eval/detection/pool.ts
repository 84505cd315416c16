import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { WeekResult } from './score-week.js'

export interface Task {
  readonly gateway: string
  readonly seed: number
  /** Length of a row. Without it, minutes are judged by all contenders. */
  readonly rowSeconds?: number
}

/** Unfamiliar kinds are many, so that fewer seeds of each are enough. */
export function unfamiliarSeeds(nSeeds: number): number {
  return Math.ceil(nSeeds / 3)
}

/** Judges worlds; the results in the order of the tasks. */
export async function judgeAll(tasks: readonly Task[]): Promise<WeekResult[]> {
  const url = new URL('./judge-thread.js', import.meta.url)
  return (await runInPool<Task, WeekResult[]>(tasks, url)).flat()
}

/**
 * Gives tasks to as many threads as there are cores, up to four.
 *
 * @param url of a thread that answers each message with a result
 * @param onResult is called for each result as soon as it is there
 * @returns the results in the order of the tasks
 */
export async function runInPool<T, R>(
  tasks: readonly T[],
  url: URL,
  onResult: (result: R) => void = () => {},
): Promise<R[]> {
  const results: R[] = []
  let next = 0
  const work = (worker: Worker) =>
    new Promise<void>((resolve, reject) => {
      let current = -1
      const give = () => {
        if (next >= tasks.length) return resolve()
        current = next++
        worker.postMessage(tasks[current])
      }
      worker.on('message', (result: R) => {
        results[current] = result
        onResult(result)
        give()
      })
      worker.on('error', reject)
      give()
    })
  const workers = Array.from(
    { length: Math.min(4, availableParallelism(), tasks.length) },
    () => new Worker(url),
  )
  try {
    await Promise.all(workers.map(work))
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
  return results
}
