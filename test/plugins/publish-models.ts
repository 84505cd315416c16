/** Publishes models into the folder given until it is killed, and prints each version once it is acknowledged. */
import { writeSync } from 'node:fs'
import { fitAnomalyModel } from '../../models/anomaly/model.js'
import { ModelFiles } from '../../plugins/model-files.js'
import { createModelRegistry } from '../../plugins/model-registry.js'
import { silentLog } from '../postgres.js'

const samples = Float64Array.from({ length: 5 * 50 }, (_, index) => index % 7)
const options = { contamination: 0.1, anomalyThreshold: -0.5, nEstimators: 20, seed: 1 }
const model = fitAnomalyModel(samples, options)
const files = new ModelFiles(process.argv[2]!)
const registry = createModelRegistry({ files, engine: 'kernel', log: silentLog, now: () => new Date() })
for (let run = 0; run < 5000; run++) writeSync(1, `${(await registry.publish(model)).version}\n`)
