import { anomalyScore } from '../isolation-forest/anomaly-score.js'
import { averagePathLength } from '../isolation-forest/average-path-length.js'
import { fitIsolationForest } from '../isolation-forest/fit-isolation-forest.js'
import type { IsolationForest } from '../isolation-forest/forest.js'
import { referenceScores } from '../isolation-forest/reference-scores.js'
import { rowCount } from '../isolation-forest/row-count.js'
import { toFloat32 } from '../isolation-forest/to-float32.js'
import type { ScoringEngine } from './scoring-engine.js'
import {
  describeFailure,
  loadTensorFlow,
  startBackend,
  tensorBackends,
  type TensorBackend,
  type TensorFlow,
} from './tensor-backend.js'
import { forestTensors, treePathLengths } from './tensor-program.js'

/** Rows times trees in one run of the program: bounds what it takes to about 20 MB for usual forests. */
const chunkPaths = 2 ** 17

export interface TensorEngineOptions {
  /** Backends to try, in this order; all of them, the fastest first, unless given. */
  readonly backends?: readonly TensorBackend[]
}

/**
 * The scoring engine that runs the forest as a TensorFlow.js program, on the first backend that loads and
 * scores a probe rightly: @tensorflow/tfjs-node where it is installed, else WASM, else plain CPU. Its `reason`
 * says why the ones before it are not used.
 *
 * Scores as `referenceScores` does, bit for bit. Slower than the kernel by far unless a native library is there.
 * Holds the forest as tensors until `dispose`. TensorFlow.js has one current backend for the whole process;
 * scoring sets it to this engine's.
 *
 * @throws Error if none of the backends can be used
 */
export async function createTensorEngine(
  forest: IsolationForest,
  options: TensorEngineOptions = {},
): Promise<ScoringEngine> {
  const { backends = tensorBackends } = options
  const failures: string[] = []
  const tf = await loadTensorFlow()
  for (const backend of backends) {
    try {
      await startBackend(tf, backend)
      return probedEngine(tf, forest, backend, failures)
    } catch (error) {
      failures.push(describeFailure(backend, error))
    }
  }
  throw new Error(`No TensorFlow.js backend can be used: ${failures.join(', ')}.`)
}

/** Whether @tensorflow/tfjs-node is installed, loads its native library and scores; never throws. */
export async function nativeTensorAvailable(): Promise<boolean> {
  const forest = fitIsolationForest(Float64Array.of(1, 2, 3, 4), { nSamples: 4, nFeatures: 1, seed: 1 })
  try {
    const engine = await createTensorEngine(forest, { backends: ['tensorflow'] })
    engine.dispose()
    return true
  } catch {
    return false
  }
}

/** An engine that has shown that it scores: some libraries load and fail at the first tensor. */
function probedEngine(
  tf: TensorFlow,
  forest: IsolationForest,
  backend: TensorBackend,
  failures: readonly string[],
): ScoringEngine {
  const reason = [...failures, `${backend} loads and scores`].join(', ')
  const engine = engineOn(tf, forest, backend, reason)
  const probe = new Float64Array(forest.nFeatures)
  try {
    const difference = Math.abs(engine.score(probe)[0]! - referenceScores(forest, probe)[0]!)
    if (!(difference < 1e-6)) throw new Error(`a probe is scored wrongly by ${difference}`)
    return engine
  } catch (error) {
    engine.dispose()
    throw error
  }
}

function engineOn(
  tf: TensorFlow,
  forest: IsolationForest,
  backend: TensorBackend,
  reason: string,
): ScoringEngine {
  const { nFeatures, nEstimators } = forest
  const normalizer = averagePathLength(forest.maxSamples)
  const chunkRows = Math.max(1, Math.floor(chunkPaths / nEstimators))
  const tensors = forestTensors(tf, forest)
  return {
    name: 'tensor',
    backend,
    reason,
    score(samples) {
      // Settles at once: the backend has been started.
      void tf.setBackend(backend)
      const scores = new Float64Array(rowCount(forest, samples))
      for (let start = 0; start < scores.length; start += chunkRows) {
        const nRows = Math.min(chunkRows, scores.length - start)
        const rows = new Float32Array(nRows * nFeatures)
        toFloat32(samples, start * nFeatures, rows)
        const lengths = treePathLengths(tf, forest, tensors, rows)
        for (let i = 0; i < nRows; i++) {
          const paths = lengths.subarray(i * nEstimators, (i + 1) * nEstimators)
          const sum = paths.reduce((total, length) => total + length, 0)
          scores[start + i] = anomalyScore(sum / nEstimators, normalizer)
        }
      }
      return scores
    },
    dispose() {
      tf.dispose({ ...tensors })
    },
  }
}
