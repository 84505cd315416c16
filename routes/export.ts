import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import { callerClosed } from './caller-closed.js'
import { TrafficBucket, TrainingDataQuery } from './schemas/export.js'
import { failures, ref, Timestamp } from './schemas/types.js'

/** A reader that takes nothing for this long holds up others. */
const MAX_PAUSE_MS = 120_000

const KNOWN = new Set(Object.keys(TrainingDataQuery.properties))

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/export/training-data',
    {
      exposeHeadRoute: false, // it would have to do all the work
      schema: {
        operationId: 'exportTrainingData',
        tags: ['export'],
        summary: 'The traffic of a range of time, by buckets',
        description:
          'A row for each bucket that has requests, in order of time. CSV and NDJSON come as attachments, JSON in the envelope; all of them are streamed, and a connection that ends early means that something failed on the way. `POST /train/synthetic` learns from the CSV. Percentiles of buckets longer than a minute are at most 1 % off.',
        querystring: TrainingDataQuery,
        response: {
          '2xx': {
            description: 'The rows.',
            content: {
              'text/csv': { schema: { type: 'string' } },
              'application/x-ndjson': { schema: { type: 'string' } },
              'application/json': { schema: Enveloped },
            },
          },
          ...failures(400, 404, 409, 503),
        },
      },
    },
    async (request, reply) => {
      const { format = 'csv', bucket = '1m', days, from, to } = request.query
      const asked = { days, from, to, bucket, format }
      const text = await app.exports.trainingData(asked, callerClosed(reply))
      reply.raw.setTimeout(MAX_PAUSE_MS, () => reply.raw.destroy())
      const attachment = format !== 'json'
      reply.type(CONTENT_TYPES[format])
      if (attachment) reply.header('content-disposition', `attachment; filename="training_data.${format}"`)
      const body = attachment ? text : enveloped(text, unknownFields(request.query))
      return reply.send(Readable.from(body, { objectMode: false }))
    },
  )
}

const CONTENT_TYPES = {
  csv: 'text/csv; charset=utf-8',
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
} as const

const Enveloped = Type.Object({
  success: Type.Literal(true),
  data: Type.Object({
    rows: Type.Array(ref(TrafficBucket)),
    count: Type.Integer(),
    bucket: Type.String(),
    from: Timestamp,
    to: Timestamp,
  }),
  timestamp: Timestamp,
  warnings: Type.Optional(Type.Array(Type.String())),
})

/** The envelope of every other answer, round data that comes in pieces. */
async function* enveloped(data: AsyncIterable<string>, warnings: readonly string[]): AsyncGenerator<string> {
  yield '{"success":true,"data":'
  yield* data
  const timestamp = JSON.stringify(new Date())
  yield `,"timestamp":${timestamp}${warnings.length > 0 ? `,"warnings":${JSON.stringify(warnings)}` : ''}}`
}

function unknownFields(query: object): string[] {
  const names = Object.keys(query).filter((name) => !KNOWN.has(name))
  return names.slice(0, 20).map((name) => `Unknown field ${name.slice(0, 100)} was ignored.`)
}

export default routes
