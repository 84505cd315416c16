import { createKernelEngine } from '../models/index.js'
import { timed, type Benchmark, type Comparison } from './benchmark.js'
import { sklearnInstalled, startSklearn } from './sklearn.js'
import { nFeatures, trafficSamples } from './traffic-samples.js'

/** Batches: the kernel engine against scikit-learn's score_samples, on the forest that scikit-learn fitted. */
export const kernelSklearn: Benchmark = {
  name: 'kernel against scikit-learn',
  async prepare() {
    if (!sklearnInstalled()) return { skipped: "Debian's python3-sklearn is not installed." }
    const sklearn = startSklearn()
    const { version, forest } = await sklearn.fit(trafficSamples(10_080, 1), nFeatures)
    const engine = createKernelEngine(forest)
    const comparisons = [1000, 10_000, 100_000].map((rows): Comparison => {
      const samples = trafficSamples(rows, 2)
      const runs = Math.ceil(20_000 / rows)
      let loaded = false
      const load = async (): Promise<void> => {
        requireEqual(await sklearn.load(samples, nFeatures), engine.score(samples))
        loaded = true
      }
      return {
        rows,
        target: 10,
        reference: {
          name: `scikit-learn ${version}`,
          async measure() {
            if (!loaded) await load()
            return await sklearn.measure()
          },
        },
        candidate: { name: 'kernel', measure: () => timed(() => engine.score(samples), runs) },
      }
    })
    return { comparisons, finish: () => sklearn.stop() }
  },
}

function requireEqual(expected: Float64Array, scores: Float64Array): void {
  const differs = scores.findIndex((score, i) => !(Math.abs(score - expected[i]!) < 1e-6))
  if (differs !== -1) throw new Error(`Row ${differs}: ${scores[differs]} instead of ${expected[differs]}.`)
}
