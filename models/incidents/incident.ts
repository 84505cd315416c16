import type { AnomalyType, Severity } from '../anomaly/verdict.js'
import type { Series } from './series-minute.js'

export interface Incident {
  /** Ordinal of the book, from 1: with the book's state it is the same after a restart. */
  readonly number: number
  readonly series: Series // the gateway where it or several endpoints are affected, else the one endpoint or source
  readonly type: AnomalyType
  readonly severity: Severity // now
  readonly peak: { readonly severity: Severity; readonly timeMs: number }
  readonly startedMs: number
  /** Null while it is open. */
  readonly endedMs: number | null
  readonly explanation: string
  /** The likely origin first; at most 20. share: of the harm, 0…1. */
  readonly endpoints: readonly {
    readonly endpoint: string
    readonly share: number
    readonly startedMs: number
    readonly type: AnomalyType
  }[]
  readonly impact: {
    readonly requests: number
    readonly failed: number
    readonly slow: number
    readonly missing: number
    readonly excess: number
  }
}
