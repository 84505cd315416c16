/** Publishes models until it is killed, and prints each version once it is acknowledged. */
import { writeSync } from 'node:fs'
import type { Connection } from '../../../db/pool.js'
import { fitAnomalyModel } from '../../../models/anomaly/model.js'
import { createModelRegistry } from '../../../plugins/model-registry/registry.js'
import { connectTo, silentLog } from '../../postgres-server.js'

const [folder, connection] = process.argv.slice(2)
const samples = Float64Array.from({ length: 5 * 50 }, (_, index) => (index % 7) / 10)
const options = { contamination: 0.1, anomalyThreshold: -0.5, nEstimators: 20, seed: 1 }
const timesMs = Float64Array.from({ length: 50 }, (_, index) => index * 60_000)
const model = fitAnomalyModel({ samples, timesMs }, options)
const sql = connectTo(JSON.parse(connection!) as Connection)
const registry = createModelRegistry({
  ...{ sql, folder: folder!, engine: 'kernel', log: silentLog },
  now: () => new Date(),
})
const training = {
  ...{ source: 'request_logs', from: null, to: null, exclude: [], durationSeconds: 1 },
  ...{ parameters: {}, metrics: {} },
}
for (let run = 0; run < 5000; run++) {
  const version = await registry.publish(async ({ store, activate }) => {
    const trained = { anomaly: { model, training }, optimizer: null }
    const stored = await sql.begin((tx) => store(tx, trained))
    await activate(stored)
    return stored.anomaly!.version
  })
  writeSync(1, `${version}\n`)
}
