import { createKernelEngine } from '../scoring/kernel-engine.js'
import type { ScoringEngine } from '../scoring/scoring-engine.js'
import type { IsolationForest } from './forest.js'

const engines = new WeakMap<IsolationForest, ScoringEngine>()

/**
 * Anomaly scores s(x, n) = 2^(-E[h(x)] / c(psi)) of samples, by the kernel engine, which is made at the first
 * call for a forest and kept as long as the forest.
 *
 * @param samples `[nRows, forest.nFeatures]`, row-major; rounded to float32 (see `toFloat32`)
 * @returns `[nRows]`, in (0, 1], higher is more anomalous; all 0.5 if the forest was fitted on one sample
 * @throws RangeError if samples is no whole number of rows, or a sample is NaN
 */
export function anomalyScores(forest: IsolationForest, samples: Float64Array): Float64Array {
  let engine = engines.get(forest)
  if (engine === undefined) {
    engine = createKernelEngine(forest)
    engines.set(forest, engine)
  }
  return engine.score(samples)
}
