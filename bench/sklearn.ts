import { spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { fromSklearn, type SklearnForest } from '../test/models/isolation-forest/golden/sklearn-forest.js'
import type { IsolationForest } from '../models/index.js'

const python = '/usr/bin/python3'
const oneThread = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' }

/** scikit-learn in its own process. It measures its own time, so that the transfer of data does not count. */
export interface Sklearn {
  /** Fits a forest with scikit-learn and returns it in our layout. */
  fit(samples: Float64Array, nFeatures: number): Promise<{ version: string; forest: IsolationForest }>
  /** Sets the samples to score. Returns their scores with our sign. */
  load(samples: Float64Array, nFeatures: number): Promise<Float64Array>
  /** Duration of scoring the samples, in milliseconds. */
  measure(): Promise<number>
  stop(): void
}

export function sklearnInstalled(): boolean {
  return spawnSync(python, ['-c', 'import sklearn.ensemble'], { stdio: 'ignore' }).status === 0
}

export function startSklearn(): Sklearn {
  const script = fileURLToPath(new URL('../../bench/sklearn_scores.py', import.meta.url))
  const child = spawn(python, ['-B', '-W', 'ignore', script], {
    env: { ...process.env, ...oneThread },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const ask = async (request: object): Promise<unknown> => {
    child.stdin.write(`${JSON.stringify(request)}\n`)
    const answer = await answers.next()
    if (answer.done === true) throw new Error('The scikit-learn process ended; its error is above.')
    return JSON.parse(answer.value)
  }
  return {
    async fit(samples, nFeatures) {
      const answer = await ask({ command: 'fit', samples: toBase64(samples), n_features: nFeatures })
      const { version, forest } = answer as { version: string; forest: SklearnForest }
      return { version, forest: fromSklearn(forest) }
    },
    async load(samples, nFeatures) {
      const answer = await ask({ command: 'load', samples: toBase64(samples), n_features: nFeatures })
      return fromBase64((answer as { scores: string }).scores)
    },
    async measure() {
      return ((await ask({ command: 'measure' })) as { ms: number }).ms
    },
    stop() {
      child.stdin.end()
    },
  }
}

function toBase64(values: Float64Array): string {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64')
}

function fromBase64(text: string): Float64Array {
  return new Float64Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer)
}
