const eulerGamma = 0.5772156649015329

/**
 * c(n), the average path length of an unsuccessful search in a binary search tree of n keys: what a leaf that
 * still holds n samples adds to its depth, and what path lengths are measured against.
 *
 * Liu, Ting and Zhou 2008, equation 1, with the cases that scikit-learn sets apart: 0 for n <= 1, 1 for n = 2,
 * else 2 (ln(n - 1) + gamma) - 2 (n - 1) / n. Not a number for NaN.
 *
 * @example averagePathLength(256) // 10.244770920119917
 */
export function averagePathLength(n: number): number {
  if (n <= 1) return 0
  if (n === 2) return 1
  return 2 * (Math.log(n - 1) + eulerGamma) - (2 * (n - 1)) / n
}
