import { buildApp } from '../../app.js'
import { loadConfig } from '../../plugins/config.js'
import { hoursAhead } from './automatic-training.js'

// A service whose automatic training is due. A test kills it.

const { DATA_PATH = '' } = process.env
const app = await buildApp(
  loadConfig({ ...process.env, LOG_LEVEL: 'silent', TRAIN_EVERY: 'off', MODEL_PATH: `${DATA_PATH}/models` }),
)
await hoursAhead(app, 0).look()
await app.close()
