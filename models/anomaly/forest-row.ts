import type { PerKind } from './kinds.js'

/** Columns of the forest's matrix: traffic, latency, errors, and the strongest of the three. */
export const FOREST_COLUMNS = 4

/**
 * Writes an interval's row of the forest's matrix. The columns are traffic (signed), latency, errors, and the strongest
 * of the three. Each value is ±ln(1 + |z|); a harmless latency or error rate is 0. A forest picks its split features at
 * random, so it often never asks about an outlier in one of five columns. It soon finds one in two of four.
 *
 * @param strengths NaN is not allowed
 * @param matrix `[nRows, FOREST_COLUMNS]`, row-major
 * @param row 0…nRows − 1
 */
export function writeForestRow(
  strengths: PerKind<{ readonly z: number }>,
  matrix: Float64Array,
  row: number,
): void {
  const traffic = strengths.traffic_spike.z
  const latency = Math.max(0, strengths.latency_spike.z)
  const errors = Math.max(0, strengths.error_rate_spike.z)
  const start = row * FOREST_COLUMNS
  matrix[start] = Math.sign(traffic) * Math.log1p(Math.abs(traffic))
  matrix[start + 1] = Math.log1p(latency)
  matrix[start + 2] = Math.log1p(errors)
  matrix[start + 3] = Math.log1p(Math.max(Math.abs(traffic), latency, errors))
}
