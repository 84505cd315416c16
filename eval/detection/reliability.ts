import type { WeekResult } from './score-week.js'

/** Anomalous minutes with similar confidence. */
export interface ReliabilityBin {
  readonly from: number
  readonly to: number
  readonly minutes: number
  readonly meanConfidence: number
  /** Share that lies in an incident. */
  readonly right: number
}

const EDGES = [0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.001]

/** Calibration of the confidence of anomalous minutes. Empty bins are omitted. */
export function reliabilityOf(weeks: readonly WeekResult[]): ReliabilityBin[] {
  return EDGES.slice(1).flatMap((to, i) => {
    const from = EDGES[i]!
    let [minutes, confidence, right] = [0, 0, 0]
    for (const week of weeks) {
      week.confidences.forEach((each, minute) => {
        if (each < from || each >= to) return
        minutes++
        confidence += each
        right += week.right[minute]!
      })
    }
    if (minutes === 0) return []
    return [
      { from, to: Math.min(1, to), minutes, meanConfidence: confidence / minutes, right: right / minutes },
    ]
  })
}
