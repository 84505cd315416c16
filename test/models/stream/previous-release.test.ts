import { readFileSync } from 'node:fs'
import t from 'tap'
import { createDetection } from '../../../plugins/detection.js'
import type { Metrics } from '../../../plugins/detection/metrics.js'
import type { ModelRegistry } from '../../../plugins/model-registry.js'
import { decodeArtifact, encodeArtifact } from '../../../plugins/model-registry/artifact.js'
import { KINDS } from '../../../plugins/model-registry/kinds.js'
import { DEFAULT_EFFECTS } from '../../../models/anomaly/effects.js'
import { FEATURES } from '../../../models/anomaly/features.js'
import { createKernelEngine } from '../../../models/scoring/kernel-engine.js'
import { memoryFromState, memoryToState } from '../../../models/stream/memory-state.js'
import type { StreamVerdict } from '../../../models/stream/stream-verdict.js'

/** After all reports, so that none lies in the future. */
const CLOCK_MS = Date.parse('2026-11-02T12:00:00Z')

const FOLDER = 'test/models/stream/golden/release-0.1.0'
const textOf = (name: string) => readFileSync(`${FOLDER}/${name}`, 'utf8').trim()
const jsonOf = <T>(name: string) => JSON.parse(textOf(name)) as T

interface Stored {
  readonly source: string
  readonly memory: { readonly version: number }
}

const artifact = decodeArtifact(textOf('anomaly-detector.json'), KINDS.anomaly)
const stored = jsonOf<Stored[]>('stream-memory.json')

t.test('a detector of the previous release is stored again as the very same text', async (t) => {
  t.equal(encodeArtifact(artifact, KINDS.anomaly), textOf('anomaly-detector.json'))
})

t.test('a stream memory of the previous release is stored again with everything in it', async (t) => {
  for (const { source, memory } of stored) t.match(memoryToState(memoryFromState(memory)!), memory, source)
})

t.test('a stream memory in another form is not read', async (t) => {
  for (const { memory } of stored) t.equal(memoryFromState({ ...memory, version: 2 }), null)
})

t.test('streams of the previous release go on with the same verdicts', async (t) => {
  const { version, model } = artifact
  const engine = createKernelEngine(model.forest)
  const models = { active: { anomaly: { version, model, engine } } } as unknown as ModelRegistry
  const detection = createDetection({ models, effects: DEFAULT_EFFECTS, calendar: [], now: () => CLOCK_MS })
  const next = jsonOf<{ metrics: Metrics; verdict: StreamVerdict }[]>('next-reports.json')
  detection.streams.restore(stored.map(({ source, memory }) => [source, memoryFromState(memory)!]))
  // In that release, severity did not follow the harm, and a share did not multiply the expected requests.
  for (const { metrics, verdict } of next) {
    const { expected, ...now } = detection.detect(metrics).verdict
    const { anomaly, type, streak, confirmed, episodeSinceMs } = now
    t.match(verdict, { anomaly, type, streak, confirmed, episodeSinceMs })
    // Less evidence is enough now: the score of a normal report may be a tenth higher.
    t.ok(Math.abs(now.normalizedScore - verdict.normalizedScore) < 0.06)
    for (const feature of FEATURES) {
      for (const end of ['value', 'lower', 'upper'] as const) {
        t.ok(
          Math.abs(Math.log((expected[feature][end] + 1) / (verdict.expected[feature][end] + 1))) < 0.15,
          `${feature} ${end} ${expected[feature][end]} ${verdict.expected[feature][end]}`,
        )
      }
    }
  }
  t.ok(
    next.some(({ verdict }) => verdict.confirmed),
    'among them an alarm',
  )
  t.ok(
    next.some(({ verdict }) => !verdict.anomaly),
    'and normal reports',
  )
})
