import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { randomInt } from 'node:crypto'
import { basename } from 'node:path'
import { failures, ref } from './schemas/types.js'
import { SyntheticBody, SyntheticResult } from './schemas/training.js'

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.post(
    '/generate/synthetic',
    {
      config: { access: 'admin', slots: 'compute' },
      schema: {
        operationId: 'generateSynthetic',
        tags: ['training'],
        summary: 'Generate synthetic traffic',
        description:
          'Writes DATA_PATH/synthetic_training_data.csv and replaces an existing file. The file has one row for each minute and ends with the last full minute. The traffic has a daily and a weekly rhythm, noise, and labelled incidents of every type.',
        body: ref(SyntheticBody),
        response: { 200: ref(SyntheticResult), ...failures(400, 413, 415) },
      },
    },
    async (request) => {
      const {
        duration_hours = 168,
        base_rps = 50,
        include_anomalies = true,
        anomaly_rate = 0.05,
      } = request.body
      const seed = request.body.seed ?? randomInt(2 ** 32)
      const { samples, anomalies } = await app.syntheticData.generate({
        durationHours: duration_hours,
        baseRps: base_rps,
        anomalyRate: include_anomalies ? anomaly_rate : 0,
        seed,
        endMs: Date.now(),
      })
      const file = basename(app.syntheticData.file)
      return { generated: true as const, samples, anomalies_injected: anomalies, file, seed }
    },
  )
}

export default routes
