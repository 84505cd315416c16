import { ServiceError } from '../http/errors.js'
import type { TrainingResult } from './result.js'

/** A run that has ended on this replica. */
export interface EndedRun {
  readonly isAutomatic: boolean
  /** no_data: there was too little to learn from. refused: a new detector was worse than the active one. */
  readonly outcome: 'trained' | 'refused' | 'no_data' | 'stopped' | 'failed'
  readonly seconds: number
}

/** Waits for a run, and tells of its end. */
export async function toldOf(
  run: Promise<TrainingResult>,
  isAutomatic: boolean,
  listeners: readonly ((run: EndedRun) => void)[],
): Promise<TrainingResult> {
  const startedMs = performance.now()
  const [settled] = await Promise.allSettled([run])
  const ended = { isAutomatic, outcome: outcomeOf(settled), seconds: (performance.now() - startedMs) / 1000 }
  for (const listener of listeners) listener(ended)
  return run
}

function outcomeOf(ended: PromiseSettledResult<TrainingResult>): EndedRun['outcome'] {
  if (ended.status === 'rejected') {
    const code = ended.reason instanceof ServiceError ? ended.reason.code : null
    if (code === 'NO_DATA') return 'no_data'
    return code === 'TRAINING_STOPPED' || code === 'SHUTTING_DOWN' ? 'stopped' : 'failed'
  }
  const { anomaly, optimizer } = ended.value
  if (anomaly?.refused) return 'refused'
  return anomaly?.trained || optimizer?.trained ? 'trained' : 'no_data'
}
