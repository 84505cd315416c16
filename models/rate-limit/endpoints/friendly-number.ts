/** Upper bound, excluded, and the step below it. */
const STEPS = [
  [50, 5],
  [100, 10],
  [500, 25],
  [1000, 50],
  [5000, 100],
] as const
const MAX_STEP = 500

/**
 * The nearest number that a person would write: below 50 in steps of 5, below 100 of 10, below 500 of 25, below
 * 1,000 of 50, below 5,000 of 100, from there of 500. Halves go up.
 *
 * @param value finite, not negative
 * @example friendlyNumber(112) // 100; 113 gives 125
 */
export function friendlyNumber(value: number): number {
  const step = STEPS.find(([bound]) => value < bound)?.[1] ?? MAX_STEP
  return Math.round(value / step) * step
}
