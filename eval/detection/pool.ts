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

/** Judges worlds on as many threads as there are cores, up to four; the results in the order of the tasks. */
export async function judgeAll(tasks: readonly Task[]): Promise<WeekResult[]> {
  const results: WeekResult[][] = []
  let next = 0
  const work = (worker: Worker) =>
    new Promise<void>((resolve, reject) => {
      let current = -1
      const give = () => {
        if (next >= tasks.length) return resolve()
        current = next++
        worker.postMessage(tasks[current])
      }
      worker.on('message', (weeks: WeekResult[]) => {
        results[current] = weeks
        give()
      })
      worker.on('error', reject)
      give()
    })
  const workers = Array.from(
    { length: Math.min(4, availableParallelism(), tasks.length) },
    () => new Worker(new URL('./judge-thread.js', import.meta.url)),
  )
  try {
    await Promise.all(workers.map(work))
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
  return results.flat()
}
