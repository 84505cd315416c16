import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { GatewayResult, JudgeOptions } from './judge-gateway.js'

/** Judges gateways on as many threads as there are cores, up to four; the results in the order of the options. */
export async function judgeInThreads(all: readonly JudgeOptions[]): Promise<GatewayResult[]> {
  const results: GatewayResult[] = []
  let next = 0
  const work = (worker: Worker) =>
    new Promise<void>((resolve, reject) => {
      let current = -1
      const give = () => {
        if (next >= all.length) return resolve()
        current = next++
        worker.postMessage(all[current])
      }
      worker.on('message', (result: GatewayResult) => {
        results[current] = result
        give()
      })
      worker.on('error', reject)
      give()
    })
  const workers = Array.from(
    { length: Math.min(4, availableParallelism(), all.length) },
    () => new Worker(new URL('./judge-thread.js', import.meta.url)),
  )
  try {
    await Promise.all(workers.map(work))
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
  return results
}
