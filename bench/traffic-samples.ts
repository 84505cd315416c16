import { createRandom } from '../models/statistics/random.js'

export const nFeatures = 5

/** Minutes of a typical gateway, `[nRows, 5]`: requests per second, three latencies, error rate. */
export function trafficSamples(nRows: number, seed: number): Float64Array {
  const random = createRandom(seed)
  const samples = new Float64Array(nRows * nFeatures)
  for (let row = 0; row < nRows; row++) {
    const busy = 1 + 0.6 * Math.sin((2 * Math.PI * row) / 1440)
    const average = 80 * busy ** 0.3 * Math.exp(0.2 * random.normal())
    const p95 = average * (2 + 0.4 * random.uniform())
    samples.set(
      [
        50 * busy * Math.exp(0.15 * random.normal()),
        average,
        p95,
        p95 * (1.3 + 0.5 * random.uniform()),
        Math.min(1, 0.01 * random.normal() ** 2),
      ],
      row * nFeatures,
    )
  }
  return samples
}
