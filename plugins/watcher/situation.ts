/** What is watched: the requests of the log, or the reports of sources alone. */
export interface WatchSituation {
  readonly mode: 'log' | 'reports' | 'waiting'
  /** What is missing; null when nothing is. */
  readonly reason: string | null
}

export const NO_MODEL =
  'No model of endpoints is fitted yet. That follows each training of the gateway; the first comes by itself after 50 minutes of traffic, or with POST /train.'
export const NOTHING = 'The log has no new rows, and no source has reported.'
