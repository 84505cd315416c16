import { Readable } from 'node:stream'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import { Type } from '@sinclair/typebox'
import type { FastifyReply } from 'fastify'
import { callerClosed } from './caller-closed.js'
import { TRAINING_DATA } from './schemas/examples/export.js'
import { TrafficBucket, TrainingDataQuery } from './schemas/export.js'
import { failures, ref, timestamp } from './schemas/types.js'

/** A reader that takes nothing for so long blocks other exports. */
const MAX_PAUSE_MS = 120_000

const KNOWN = new Set(Object.keys(TrainingDataQuery.properties))

const routes: FastifyPluginAsyncTypebox = async (app) => {
  app.get(
    '/export/training-data',
    {
      exposeHeadRoute: false, // it would do all the work; the one below does none
      config: { access: 'read', slots: 'files' },
      schema: {
        operationId: 'exportTrainingData',
        tags: ['export'],
        summary: 'Export recorded traffic by time bucket',
        description:
          'Exports one row for each bucket with requests, in order of time. CSV and NDJSON are attachments. JSON has the rows as `data`, and `count`, `bucket`, `from` and `to` beside it. `POST /train/synthetic` accepts the CSV. All formats are streamed: a connection that closes early means that the export failed. For buckets longer than one minute, percentiles have an error of at most 1 %.',
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
      setFileHeaders(reply, format)
      const warnings = [...request.warnings, ...unknownFields(request.query)]
      const body = format === 'json' ? enveloped(text, warnings) : text
      return reply.send(Readable.from(body, { objectMode: false }))
    },
  )

  app.head(
    '/export/training-data',
    { config: { access: 'read' }, schema: { hide: true, querystring: TrainingDataQuery } },
    async (request, reply) => {
      setFileHeaders(reply, request.query.format ?? 'csv')
      return reply.send()
    },
  )
}

function setFileHeaders(reply: FastifyReply, format: keyof typeof CONTENT_TYPES): void {
  reply.type(CONTENT_TYPES[format])
  if (format === 'json') return
  reply.header('content-disposition', `attachment;filename=training_data.${format}`)
}

const CONTENT_TYPES = {
  csv: 'text/csv; charset=utf-8',
  json: 'application/json; charset=utf-8',
  ndjson: 'application/x-ndjson; charset=utf-8',
} as const

const Enveloped = Type.Object({
  success: Type.Literal(true, { description: 'Always true.' }),
  data: Type.Array(ref(TrafficBucket), {
    description: 'The rows, in order of time.',
    examples: [TRAINING_DATA],
  }),
  count: Type.Integer({ description: 'Number of rows.' }),
  bucket: Type.String({ description: 'Length of a bucket.' }),
  from: timestamp('Start of the time range, included.'),
  to: timestamp('End of the time range, excluded.'),
  timestamp: timestamp('When the service answered.'),
  warnings: Type.Optional(
    Type.Array(Type.String(), { description: 'What the service ignored in the request.' }),
  ),
})

/** The usual envelope, around data that is streamed. */
async function* enveloped(data: AsyncIterable<string>, warnings: readonly string[]): AsyncGenerator<string> {
  yield '{"success":true,'
  yield* data
  const timestamp = JSON.stringify(new Date())
  yield `,"timestamp":${timestamp}${warnings.length > 0 ? `,"warnings":${JSON.stringify(warnings)}` : ''}}`
}

function unknownFields(query: object): string[] {
  const names = Object.keys(query).filter((name) => !KNOWN.has(name))
  return names.slice(0, 20).map((name) => `Unknown field ${name.slice(0, 100)} was ignored.`)
}

export default routes
