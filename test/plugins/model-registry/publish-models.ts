/** Publishes models until it is killed, and prints each version once it is acknowledged. */
import { writeSync } from 'node:fs'
import type { Connection } from '../../../db/embedded/embedded-postgres.js'
import { fitAnomalyModel } from '../../../models/anomaly/model.js'
import { ModelFiles } from '../../../plugins/model-registry/files.js'
import { ANOMALY_DETECTOR, RATE_OPTIMIZER } from '../../../plugins/model-registry/kinds.js'
import { createModelRegistry } from '../../../plugins/model-registry.js'
import { ModelStore } from '../../../plugins/model-registry/store.js'
import { connectTo, silentLog } from '../../postgres-server.js'

const [folder, connection] = process.argv.slice(2)
const samples = Float64Array.from({ length: 5 * 50 }, (_, index) => (index % 7) / 10)
const options = { contamination: 0.1, anomalyThreshold: -0.5, nEstimators: 20, seed: 1 }
const timesMs = Float64Array.from({ length: 50 }, (_, index) => index * 60_000)
const model = fitAnomalyModel({ samples, timesMs }, options)
const sql = connectTo(JSON.parse(connection!) as Connection)
const stores = {
  anomaly: new ModelStore(sql, new ModelFiles(folder!), silentLog, ANOMALY_DETECTOR),
  optimizer: new ModelStore(sql, new ModelFiles(folder!, 'rate_optimizer'), silentLog, RATE_OPTIMIZER),
}
const registry = createModelRegistry({ stores, engine: 'kernel', log: silentLog, now: () => new Date() })
const training = {
  ...{ source: 'request_logs', from: null, to: null, exclude: [], durationSeconds: 1 },
  ...{ parameters: {}, metrics: {} },
}
for (let run = 0; run < 5000; run++) {
  const { anomaly } = await registry.publish({ anomaly: { model, training }, optimizer: null }, (store) =>
    sql.begin(store),
  )
  writeSync(1, `${anomaly!.version}\n`)
}
