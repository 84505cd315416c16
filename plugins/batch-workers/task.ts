import type { CalendarEntry } from '../../models/anomaly/calendar.js'
import type { LeastEffects } from '../../models/anomaly/effects.js'
import type { AnomalyModel } from '../../models/anomaly/model.js'
import type { Caller } from '../access/caller.js'
import type { EngineChoice, LogLevel } from '../config.js'
import type { Artifact } from '../model-registry/artifact.js'

/** What a worker thread needs once. */
export interface BatchSettings {
  readonly logLevel: LogLevel
  readonly effects: LeastEffects
  readonly calendar: readonly CalendarEntry[]
}

/** A request whose body has arrived. */
export interface WorkerRequest {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly caller: Caller
  /** All of its memory, which goes to the worker. */
  readonly body: Uint8Array
}

export interface BatchTask {
  readonly request: WorkerRequest
  /** The active model; null without one. */
  readonly detector: Artifact<AnomalyModel> | null
  readonly engine: EngineChoice
}

export interface WorkerAnswer {
  readonly statusCode: number
  readonly contentType: string
  readonly body: Uint8Array
}
