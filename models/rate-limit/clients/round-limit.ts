export const MIN_LIMIT = 5

/**
 * Rounded up to a whole number, or to so many digits where it has more; at least 5. A coarser grid would move a limit
 * by a quarter when the traffic moves by a hundredth.
 */
export function roundLimit(value: number, digits: number): number {
  return Math.max(MIN_LIMIT, value < 10 ** digits ? Math.ceil(value) : Number(value.toPrecision(digits)))
}
