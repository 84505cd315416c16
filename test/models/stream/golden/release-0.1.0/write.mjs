/**
 * Writes the files of this folder with a build of release 0.1.0 (commit 8d8676e), from the root of the repository:
 *
 *     node test/models/stream/golden/release-0.1.0/write.mjs RELEASE/dist test/models/stream/golden/release-0.1.0
 *
 * - anomaly-detector.json: a model's artifact, as in DATA_PATH and in the database
 * - stream-memory.json: source and memory, the columns of the table aegis_ml_streams
 * - next-reports.json: reports that follow, each with the verdict of the release
 */
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const [dist, folder] = process.argv.slice(2).map((path) => resolve(path))
const load = (path) => import(join(dist, path))

const { createDetection } = await load('plugins/detection.js')
const { fitAnomalyModel } = await load('models/anomaly/model.js')
const { createKernelEngine } = await load('models/scoring/kernel-engine.js')
const { createRandom } = await load('models/statistics/random.js')
const { encodeArtifact } = await load('plugins/model-artifact.js')
const { ANOMALY_DETECTOR } = await load('plugins/model-kind.js')

const MINUTE_MS = 60_000
const START_MS = Date.parse('2026-11-02T00:00:00Z')
const SAMPLES = 200
const random = createRandom(1)

function metricsAt(minute, { traffic = 1, latency = 1, errors = 0 } = {}) {
  const requests = Math.round(600 * traffic * Math.exp(0.05 * random.normal()))
  const average = 40 * latency * Math.exp(0.05 * random.normal())
  return {
    requests_per_second: requests / 60,
    avg_latency_ms: average,
    p95_latency_ms: 2.5 * average * Math.exp(0.05 * random.normal()),
    p99_latency_ms: 4 * average * Math.exp(0.08 * random.normal()),
    error_rate: Math.round(requests * (0.01 + errors) * (0.5 + random.uniform())) / Math.max(1, requests),
    timestamp: new Date(START_MS + minute * MINUTE_MS).toISOString(),
  }
}

const history = Array.from({ length: SAMPLES }, (_, minute) => metricsAt(minute))
const timesMs = Float64Array.from(history, (_, minute) => START_MS + minute * MINUTE_MS)
const samples = Float64Array.from(history.flatMap((each) => Object.values(each).slice(0, 5)))
const model = fitAnomalyModel(
  { samples, timesMs },
  { contamination: 0.1, anomalyThreshold: -0.5, nEstimators: 4, maxSamples: 16, seed: 1 },
)
const version = '20261102T032000000Z'
const artifact = { version, trainedAt: '2026-11-02T03:20:00.000Z', training: null, model }

let nowMs = 0
const detection = createDetection({
  models: { active: { anomaly: { version, model, engine: createKernelEngine(model.forest) } } },
  effects: { traffic: 0.25, latency: 0.25, latencyMs: 5, errors: 0.015, requests: 10 },
  calendar: [],
  now: () => nowMs,
})
const sources = {
  default: (minute) => (minute >= 206 ? { latency: 4 } : {}), // in an alarm
  'in-warm-up': (minute) => ({ traffic: minute < 208 ? 0 : 0.2, latency: 2 }),
  'warmed-up': () => ({ traffic: 0.1, latency: 2, errors: 0.05 }),
}
const report = (minute, source) => {
  nowMs = START_MS + minute * MINUTE_MS
  const metrics = { ...metricsAt(minute, sources[source](minute)), source }
  return { metrics, verdict: detection.detect(metrics).verdict }
}
const reports = (from, to) =>
  Array.from({ length: to - from }, (_, i) =>
    Object.keys(sources).map((source) => report(from + i, source)),
  ).flat()

reports(200, 212)
const stored = detection.streams
  .takeChanged()
  .map(([source, memory]) => ({ source, memory: { version: 3, ...memory } }))
const write = (name, text) => writeFileSync(join(folder, name), `${text}\n`)
write('anomaly-detector.json', encodeArtifact(artifact, ANOMALY_DETECTOR))
write('stream-memory.json', JSON.stringify(stored))
write('next-reports.json', JSON.stringify(reports(212, 222)))
