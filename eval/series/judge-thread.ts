import { parentPort } from 'node:worker_threads'
import { judgeSeries } from './judge-series.js'
import type { Series } from './series.js'

parentPort?.on('message', (series: Series) => parentPort?.postMessage(judgeSeries(series)))
