import type { IsolationForest } from '../../models/isolation-forest/forest.js'
import { createRandom } from '../../models/statistics/random.js'
import { createKernelEngine, createTensorEngine, nativeTensorAvailable } from '../../models/scoring/index.js'
import type { ScoringEngine } from '../../models/scoring/scoring-engine.js'
import type { EngineChoice } from '../config.js'

export interface ChosenEngine {
  readonly engine: ScoringEngine
  /** Why this engine, in words for an operator. */
  readonly reason: string
}

const PROBE_ROWS = 1000
const PROBE_ROUNDS = 5

/**
 * The engine that scores a forest. `auto` is the kernel, unless @tensorflow/tfjs-node really loads and
 * scores: then both score a probe and the faster one is taken. A clock has no place in models/.
 */
export async function chooseEngine(choice: EngineChoice, forest: IsolationForest): Promise<ChosenEngine> {
  if (choice === 'kernel') return { engine: createKernelEngine(forest), reason: 'SCORING_ENGINE is kernel.' }
  if (choice === 'tensor') {
    const engine = await createTensorEngine(forest)
    return { engine, reason: `SCORING_ENGINE is tensor; ${engine.reason}.` }
  }
  const kernel = createKernelEngine(forest)
  if (!(await nativeTensorAvailable())) {
    return {
      engine: kernel,
      reason: 'The kernel is the fastest engine where @tensorflow/tfjs-node does not load.',
    }
  }
  const tensor = await createTensorEngine(forest)
  const kernelMs = probeMs(kernel, forest.nFeatures)
  const tensorMs = probeMs(tensor, forest.nFeatures)
  const [engine, other] = kernelMs <= tensorMs ? [kernel, tensor] : [tensor, kernel]
  other.dispose()
  const times = `kernel ${kernelMs.toFixed(1)} ms, tensor ${tensorMs.toFixed(1)} ms`
  return { engine, reason: `The faster one on ${PROBE_ROWS} probe rows: ${times}.` }
}

/** The fastest of a few rounds, the first of which warms up. */
function probeMs(engine: ScoringEngine, nFeatures: number): number {
  const random = createRandom(1)
  const probe = new Float64Array(PROBE_ROWS * nFeatures).map(() => random.normal())
  const times = Array.from({ length: PROBE_ROUNDS }, () => {
    const start = performance.now()
    engine.score(probe)
    return performance.now() - start
  })
  return Math.min(...times)
}
