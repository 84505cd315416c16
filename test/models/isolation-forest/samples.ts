import { createRandom } from '../../../models/statistics/random.js'

/** Normal samples `[nRows, nFeatures]` whose features differ in scale. */
export function normalSamples(nRows: number, nFeatures: number, seed: number): Float64Array {
  const random = createRandom(seed)
  return new Float64Array(nRows * nFeatures).map((_, i) => random.normal() * 10 ** ((i % nFeatures) % 4))
}
