import { parentPort } from 'node:worker_threads'
import { inSlices } from '../../db/in-slices.js'
import type { CalendarEntry } from '../../models/anomaly/calendar.js'
import type { LeastEffects } from '../../models/anomaly/effects.js'
import type { AnomalyModel } from '../../models/anomaly/model.js'
import type { History } from '../../models/anomaly/regular-history.js'
import type { Incident } from '../../models/incidents/incident.js'
import { scanHistory } from '../../models/incidents/scan.js'
import { createKernelEngine } from '../../models/scoring/kernel-engine.js'
import { answerTask } from '../workers/answer.js'
import type { WorkerFailure } from '../workers/worker-failure.js'

/** The history of a gateway, and what it is judged by. */
export interface ScanTask {
  readonly history: History
  readonly fromMs: number
  readonly model: AnomalyModel
  readonly modelVersion: string
  readonly effects: LeastEffects
  readonly calendar: readonly CalendarEntry[]
}

export type ScanOutcome = { readonly incidents: readonly Incident[] } | WorkerFailure

/** Rows between two messages about the progress. */
const ROWS = 500

async function scan(task: ScanTask, signal: AbortSignal): Promise<ScanOutcome> {
  const { history, fromMs, model, ...rest } = task
  const engine = createKernelEngine(model.forest)
  const detector = { ...rest, model, score: (matrix: Float64Array) => engine.score(matrix) }
  const steps = told(scanHistory(history, detector, fromMs), ROWS)
  return { incidents: await inSlices(steps, signal) }
}

/** Tells the other side how far it is, now and then. */
function* told<T>(steps: Generator<number, T>, every: number): Generator<number, T> {
  for (let count = 1; ; count++) {
    const step = steps.next()
    if (step.done) return step.value
    if (count % every === 0) parentPort!.postMessage({ progress: step.value })
    yield step.value
  }
}

await answerTask(scan, 'The scan was stopped.')
