import type { WeekResult } from './score-week.js'

/**
 * Mean precision over the incidents' minutes when all minutes are ranked, pooled over weeks; minutes of the same rank
 * come together (as scikit-learn's average_precision_score). NaN without a positive minute.
 */
export function averagePrecision(weeks: readonly Pick<WeekResult, 'ranks' | 'positive'>[]): number {
  const all = weeks.flatMap(({ ranks, positive }) =>
    Array.from(ranks, (rank, i) => ({ rank, positive: positive[i]! })),
  )
  all.sort((a, b) => b.rank - a.rank)
  const total = all.reduce((sum, each) => sum + each.positive, 0)
  let [found, sum] = [0, 0]
  for (let start = 0; start < all.length;) {
    let end = start
    let positives = 0
    for (; end < all.length && all[end]!.rank === all[start]!.rank; end++) positives += all[end]!.positive
    found += positives
    sum += (positives * found) / end
    start = end
  }
  return total === 0 ? NaN : sum / total
}
