/**
 * The standard normal's probability above z >= 0, to 7.5e-8 (Abramowitz and Stegun 1964, formula 26.2.17).
 */
export function upperTail(z: number): number {
  const t = 1 / (1 + 0.2316419 * z)
  const polynomial =
    t * (0.31938153 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
  return (polynomial * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI)
}
