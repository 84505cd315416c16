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
 * 1,000 of 50, below 5,000 of 100, from there of 500. Halves go to the even multiple of the step, as existing users know them.
 *
 * @param value finite, not negative
 * @example friendlyNumber(112) // 100; 113 gives 125; 1050 gives 1000
 */
export function friendlyNumber(value: number): number {
  const step = STEPS.find(([bound]) => value < bound)?.[1] ?? MAX_STEP
  return roundHalfToEven(value / step) * step
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value)
  const rest = value - below
  if (rest !== 0.5) return Math.round(value)
  return below % 2 === 0 ? below : below + 1
}
