import { REFERENCES } from './references.js'
import type { Series } from './series.js'
import { judgeByService } from './service.js'

/** What all contenders say about a series. */
export interface JudgedSeries {
  readonly series: Series
  /** `[nRows]`, 1 for a row that the service confirms. */
  readonly confirmed: Uint8Array
  /** `[nRows]` of each reference: higher is more anomalous. */
  readonly scores: Readonly<Record<string, Float64Array>>
}

export function judgeSeries(series: Series): JudgedSeries {
  const scores = Object.fromEntries(Object.entries(REFERENCES).map(([name, score]) => [name, score(series)]))
  return { series, confirmed: judgeByService(series), scores }
}
