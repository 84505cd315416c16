import { REFERENCES } from './references.js'
import type { Series } from './series.js'
import { judgeByService } from './service.js'

/** The service's score, treated as a reference: it has the threshold that is best for the set. */
export const SERVICE_SCORE = 'its score'

/** What all contenders say about a series. */
export interface JudgedSeries {
  readonly series: Series
  /** `[nRows]`, 1 for a row that the service confirms. */
  readonly confirmed: Uint8Array
  /** `[nRows]` of each reference and of {@link SERVICE_SCORE}: higher is more anomalous. */
  readonly scores: Readonly<Record<string, Float64Array>>
}

export function judgeSeries(series: Series): JudgedSeries {
  const scores = Object.fromEntries(Object.entries(REFERENCES).map(([name, score]) => [name, score(series)]))
  const { confirmed, scores: ofService } = judgeByService(series)
  return { series, confirmed, scores: { ...scores, [SERVICE_SCORE]: ofService } }
}
