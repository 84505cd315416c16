import { createKernelEngine, fitIsolationForest, referenceScores } from '../models/index.js'
import { timed, type Benchmark } from './benchmark.js'
import { nFeatures, trafficSamples } from './traffic-samples.js'

/** One row per call, never the same row twice, as in a detection. */
export const kernelRow: Benchmark = {
  name: 'kernel, one row a call',
  async prepare() {
    const nSamples = 10_080
    const forest = fitIsolationForest(trafficSamples(nSamples, 1), { nSamples, nFeatures, seed: 1 })
    const engine = createKernelEngine(forest)
    const samples = trafficSamples(5000, 2)
    const rows = Array.from({ length: 5000 }, (_, row) =>
      samples.slice(row * nFeatures, (row + 1) * nFeatures),
    )
    const scoreAll = (score: (row: Float64Array) => Float64Array) => () => {
      for (const row of rows) score(row)
    }
    const measureOne = (work: () => void) => () => timed(work, 2) / rows.length
    return {
      comparisons: [
        {
          rows: 1,
          target: 2,
          reference: {
            name: 'plain traversal',
            measure: measureOne(scoreAll((row) => referenceScores(forest, row))),
          },
          candidate: { name: 'kernel', measure: measureOne(scoreAll((row) => engine.score(row))) },
        },
      ],
    }
  },
}
