import { parentPort } from 'node:worker_threads'
import type { Sql } from 'postgres'
import { storeWatchModel, watchModelHead, watchModelParts } from '../../db/own/watch-models.js'
import { openPool } from '../../db/pool.js'
import type { WatchModel } from '../../models/watch/watch-model.js'
import { answerTask } from '../workers/answer.js'
import type { WorkerFailure } from '../workers/worker-failure.js'
import { fromContent, toContent } from './content.js'
import { fitWatch, refitWatch, type WatchFit } from './fit-watch.js'

/** A fit of all endpoints, or of those of a stored model that are young. */
export interface FitTask extends WatchFit {
  readonly modelVersion: string
  readonly young: {
    readonly id: string
    readonly fitId: string
  } | null
}

/** Id and number of endpoints; null when there was nothing to learn from, or no young endpoint. */
export interface StoredFit {
  readonly stored: { readonly id: string; readonly endpoints: number } | null
}

export type FitOutcome = StoredFit | WorkerFailure

async function run(task: FitTask, signal: AbortSignal): Promise<StoredFit> {
  const sql = openPool(task.connection, { max: 2 })
  try {
    const onProgress = (progress: number) => parentPort!.postMessage({ progress })
    const watch =
      task.young === null
        ? await fitWatch(sql, task, signal, onProgress)
        : await refit(sql, task, task.young, signal)
    if (watch === null) return { stored: null }
    signal.throwIfAborted()
    const { modelVersion, from, to, young } = task
    const endpoints = watch.endpoints.size
    const row = { modelVersion, from, to, endpoints, fitId: young?.fitId ?? null }
    return { stored: { id: await storeWatchModel(sql, row, toContent(watch)), endpoints } }
  } finally {
    await sql.end({ timeout: 1 })
  }
}

async function refit(
  sql: Sql,
  task: FitTask,
  { id }: NonNullable<FitTask['young']>,
  signal: AbortSignal,
): Promise<WatchModel | null> {
  const content = await watchModelHead(sql, id)
  if (content === undefined) return null // a newer model has displaced it
  const watch = await fromContent({ ...content, parts: watchModelParts(sql, id) }, task.gateway, signal)
  return refitWatch(sql, watch, task, signal)
}

await answerTask(run, 'The fit was stopped.')
