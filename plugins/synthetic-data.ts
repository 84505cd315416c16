import { join } from 'node:path'
import fp from 'fastify-plugin'
import { FEATURES } from '../models/anomaly/features.js'
import { generateTraffic, type SyntheticMinute } from '../models/synthetic/traffic.js'
import { removeAbandoned, replaceFile } from '../db/files.js'
import { MINUTE_MS } from '../models/traffic/durations.js'

export interface SyntheticRequest {
  readonly durationHours: number
  readonly baseRps: number
  /** Share of the minutes in incidents. */
  readonly anomalyRate: number
  readonly seed: number
  /** The traffic ends with the last full minute before it. */
  readonly endMs: number
}

export interface SyntheticData {
  /** The file of the traffic: written here, read by training. */
  readonly file: string
  /** Replaces the file. */
  generate(request: SyntheticRequest): Promise<{ samples: number; anomalies: number }>
}

declare module 'fastify' {
  interface FastifyInstance {
    syntheticData: SyntheticData
  }
}

/** Rows written at a time. Requests are answered in between. */
const MAX_ROWS_AT_A_TIME = 1000

function createSyntheticData(file: string): SyntheticData {
  return {
    file,
    async generate({ durationHours, baseRps, anomalyRate, seed, endMs }) {
      const samples = Math.max(1, Math.round(durationHours * 60))
      const startMs = (Math.floor(endMs / MINUTE_MS) - samples) * MINUTE_MS
      let anomalies = 0
      await replaceFile(file, async (handle) => {
        let text = `timestamp,${FEATURES.join(',')},label\n`
        let rows = 0
        for (const minute of generateTraffic({ minutes: samples, baseRps, anomalyRate, seed, startMs })) {
          text += csvRow(minute)
          if (minute.label !== null) anomalies++
          if (++rows % MAX_ROWS_AT_A_TIME === 0) {
            await handle.appendFile(text)
            text = ''
          }
        }
        await handle.appendFile(text)
      })
      return { samples, anomalies }
    },
  }
}

/** Numbers in the shortest form that reads back as the same number. */
function csvRow(minute: SyntheticMinute): string {
  const time = new Date(minute.timestampMs).toISOString()
  return `${time},${FEATURES.map((column) => minute[column]).join(',')},${minute.label ?? ''}\n`
}

/** `fastify.syntheticData`. */
export default fp(
  async (app) => {
    const file = join(app.config.dataPath, 'synthetic_training_data.csv')
    await removeAbandoned(app.config.dataPath, Date.now())
    app.decorate('syntheticData', createSyntheticData(file))
  },
  { name: 'synthetic-data', dependencies: ['config'] },
)
