import { parentPort } from 'node:worker_threads'
import { openPool } from '../../db/pool.js'
import { answerTask } from '../workers/answer.js'
import type { WorkerFailure } from '../workers/worker-failure.js'
import { workOnPart, type PartResult, type PartTask } from './part.js'

export type PartOutcome = PartResult | WorkerFailure

async function run(task: PartTask, signal: AbortSignal): Promise<PartResult> {
  const sql = openPool(task.connection, { max: 1 })
  try {
    return await workOnPart(sql, task, signal, (progress) => parentPort!.postMessage({ progress }))
  } finally {
    await sql.end({ timeout: 1 })
  }
}

await answerTask(run, 'The fit was stopped.')
