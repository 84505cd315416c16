import { createKernelEngine, fitIsolationForest, referenceScores } from '../models/index.js'
import { timed, type Benchmark } from './benchmark.js'
import { nFeatures, trafficSamples } from './traffic-samples.js'

/** Batches: the kernel engine against the plain traversal. */
export const kernelBatch: Benchmark = {
  name: 'kernel, batches',
  async prepare() {
    const nSamples = 10_080
    const forest = fitIsolationForest(trafficSamples(nSamples, 1), { nSamples, nFeatures, seed: 1 })
    const engine = createKernelEngine(forest)
    const comparisons = [1000, 10_000, 100_000].map((rows) => {
      const samples = trafficSamples(rows, 2)
      const runs = Math.ceil(20_000 / rows)
      return {
        rows,
        target: 3,
        reference: {
          name: 'plain traversal',
          measure: () => timed(() => referenceScores(forest, samples), runs),
        },
        candidate: { name: 'kernel', measure: () => timed(() => engine.score(samples), runs) },
      }
    })
    return { comparisons }
  },
}
