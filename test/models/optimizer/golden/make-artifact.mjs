// Writes the two JSON files beside this one: an artifact of the rate optimizer, and what it recommends, both as the
// release at commit 8d8676e had them. That release wrote artifacts with snake_case names.
//
//   node test/models/optimizer/golden/make-artifact.mjs <folder of that release, built>
import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const release = (path) => import(pathToFileURL(resolve(process.argv[2], 'dist', path)).href)
const { OptimizerFit } = await release('models/optimizer/fit-optimizer.js')
const { recommend } = await release('models/optimizer/recommend.js')
const { encodeArtifact } = await release('plugins/model-artifact.js')
const { RATE_OPTIMIZER } = await release('plugins/model-kind.js')
const { createRandom } = await release('models/statistics/random.js')

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const START_MS = Date.UTC(2026, 0, 5)
const NOBODY = 0xffffffff
const FLOOD = 30
const NAMES = ['GET /items/{id}', 'POST /items/{id}', 'GET /health']

/** Thirty people read pages on three days, some write, one floods, and nobody in particular asks for the health. */
function drawRequests() {
  const random = createRandom(7)
  const requests = []
  for (let client = 0; client < FLOOD; client++) {
    for (let visit = 0; visit < 9; visit++) {
      const timeMs = START_MS + Math.floor(72 * HOUR_MS * random.uniform())
      const pages = 2 + random.integer(12)
      for (let i = 0; i < pages; i++) requests.push({ timeMs: timeMs + i * 150, client, endpoint: 1 })
      if (visit % 3 === 0) requests.push({ timeMs: timeMs + 5000, client, endpoint: 2 })
    }
  }
  for (let i = 0; i < 3000; i++) {
    requests.push({ timeMs: START_MS + 30 * HOUR_MS + i * 100, client: FLOOD, endpoint: 1 })
  }
  for (let i = 0; i < 864; i++) requests.push({ timeMs: START_MS + i * 300_000, client: NOBODY, endpoint: 3 })
  return requests.sort((a, b) => a.timeMs - b.timeMs)
}

function rollupOf(name, requests) {
  const [method, path] = name.split(' ')
  const counts = new Map()
  for (const { timeMs } of requests) {
    const minute = Math.floor(timeMs / MINUTE_MS)
    counts.set(minute, (counts.get(minute) ?? 0) + 1)
  }
  return {
    ...{
      method,
      path,
      minutes: Float64Array.from(counts.keys()),
      counts: Float64Array.from(counts.values()),
    },
    ...{ latencySumMs: 42.5 * requests.length, latencies: requests.length },
    errors: Math.floor(requests.length / 100),
  }
}

const requests = drawRequests()
const rollups = NAMES.map((name, i) =>
  rollupOf(
    name,
    requests.filter(({ endpoint }) => endpoint === i + 1),
  ),
)
const fit = new OptimizerFit(rollups, { excluded: [], seed: 42, nobody: NOBODY })
fit.arrivals.add({
  length: requests.length,
  timeMs: requests.map(({ timeMs }) => timeMs),
  client: requests.map(({ client }) => client),
  endpoint: requests.map(({ endpoint }) => endpoint),
})
const model = fit.model((client) => `user-${client}`)
const training = {
  ...{
    source: 'request_logs',
    from: '2026-01-05T00:00:00.000Z',
    to: '2026-01-08T00:00:00.000Z',
    exclude: [],
  },
  ...{ durationSeconds: 1, parameters: { seed: 42 }, metrics: { endpoints: model.byTemplate.size } },
}
const version = { version: '20260108T000000000Z', trainedAt: '2026-01-08T00:00:00.000Z' }
const write = (name, text) => writeFileSync(join(import.meta.dirname, name), text)
write('artifact.json', encodeArtifact({ ...version, training, model }, RATE_OPTIMIZER))

const recommendations = []
for (const [endpoint, found] of [...model.byTemplate, ...model.byMethod, ['/unknown', null]]) {
  for (const scope of ['endpoint', 'client']) {
    for (const [tier, strategy] of [
      ['default', 'balanced'],
      ['free', 'adaptive'],
      ['premium', 'conservative'],
    ]) {
      const asked = { endpoint, tier, strategy, scope, currentLimit: scope === 'client' ? 100 : null }
      recommendations.push(recommend({ ...asked, model: found }))
    }
  }
}
write('recommendations.json', JSON.stringify(recommendations))
