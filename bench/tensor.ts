import { createTensorEngine, fitIsolationForest, referenceScores } from '../models/index.js'
import { timed, type Benchmark } from './benchmark.js'
import { nFeatures, trafficSamples } from './traffic-samples.js'

/** Batches: the tensor engine on the best available backend, against the plain traversal. */
export const tensor: Benchmark = {
  name: 'tensor, batches',
  async prepare() {
    const nSamples = 10_080
    const forest = fitIsolationForest(trafficSamples(nSamples, 1), { nSamples, nFeatures, seed: 1 })
    const engine = await createTensorEngine(forest)
    const comparisons = [1000, 10_000].map((rows) => {
      const samples = trafficSamples(rows, 2)
      return {
        rows,
        reference: {
          name: 'plain traversal',
          measure: () => timed(() => referenceScores(forest, samples), 1),
        },
        candidate: {
          name: `tensor (${engine.backend})`,
          measure: () => timed(() => engine.score(samples), 1),
        },
      }
    })
    return { comparisons, finish: () => engine.dispose() }
  },
}
