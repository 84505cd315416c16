import { quantileWithZeros } from './quantile-with-zeros.js'

const SPARSE = 0.2

/**
 * The p95 of requests per minute over all minutes, empty ones too; where fewer than a fifth of them have any request,
 * over those that have.
 *
 * @param sorted the requests of the minutes with any, ascending, not empty
 * @param nMinutes all minutes
 */
export function busyMinute(sorted: ArrayLike<number>, nMinutes: number): number {
  const empty = sorted.length < SPARSE * nMinutes ? 0 : nMinutes - sorted.length
  return quantileWithZeros(sorted, empty, 0.95)
}
