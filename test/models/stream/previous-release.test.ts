import { readFileSync } from 'node:fs'
import t from 'tap'
import { createDetection } from '../../../plugins/detection.js'
import type { Metrics } from '../../../plugins/detection/metrics.js'
import type { ModelRegistry } from '../../../plugins/model-registry.js'
import { decodeArtifact, encodeArtifact } from '../../../plugins/model-registry/artifact.js'
import { KINDS } from '../../../plugins/model-registry/kinds.js'
import { DEFAULT_EFFECTS } from '../../../models/anomaly/effects.js'
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
  // In that release, severity did not follow the harm.
  for (const { metrics, verdict: before } of next) {
    const { verdict } = detection.detect(metrics)
    t.same({ ...verdict, severity: before.severity }, before)
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
