import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { ServiceError } from './errors.js'
import { unknownFields, type Schema } from './validation.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** Sentences that go into the `warnings` of the answer. */
    warnings: string[]
  }
}

/**
 * Routes declare and return their data alone; here it is put into the envelope, in the answer as in the
 * OpenAPI document. A route without a response schema for 200 (a file, an event stream) is left alone.
 */
export default fp(
  async (app) => {
    app.setSerializerCompiler(() => JSON.stringify)
    parseJson(app)

    app.addHook('onRoute', (route) => {
      if (route.method === 'HEAD') return // it shares the schema of its GET, which has been here
      const responses = responsesOf(route)
      if (!responses?.['200']) return
      responses['200'] = envelopeOf(responses['200'])
      if (responses['202']) responses['202'] = envelopeOf(responses['202'])
      responses['default'] = ANY_OTHER_FAILURE
    })

    app.decorateRequest('warnings')
    app.addHook('onRequest', async (request) => {
      request.warnings = []
    })
    app.addHook('preValidation', async (request) => {
      if (request.routeOptions.schema?.body && request.body === undefined) request.body = {}
    })
    app.addHook('preHandler', async (request) => {
      warnOfUnknownFields(app, request)
    })
    app.addHook('preSerialization', async (request, reply, payload) => {
      if (reply.statusCode >= 400 || !responsesOf(request.routeOptions)?.['200']) return payload
      const { warnings } = request
      return {
        success: true,
        data: payload,
        timestamp: new Date().toISOString(),
        ...(warnings.length > 0 && { warnings }),
      }
    })
  },
  { name: 'envelope', dependencies: ['errors', 'validation'] },
)

const ANY_OTHER_FAILURE = { description: 'Any other failure, such as 500 or 503.', $ref: 'Failure#' }

function responsesOf(
  route: Pick<RouteOptions, 'schema'>,
): Record<string, Schema & { description?: string }> | undefined {
  return route.schema?.response as Record<string, Schema & { description?: string }> | undefined
}

function envelopeOf(data: Schema & { description?: string }) {
  return {
    description: data.description ?? 'Success.',
    type: 'object',
    required: ['success', 'data', 'timestamp'],
    properties: {
      success: { type: 'boolean', enum: [true] },
      data,
      timestamp: { type: 'string', format: 'date-time' },
      warnings: {
        type: 'array',
        items: { type: 'string' },
        description: 'Present when something in the request was ignored, such as an unknown field.',
      },
    },
  }
}

const NO_FIELDS: Schema = { properties: {} }

function warnOfUnknownFields(app: FastifyInstance, request: FastifyRequest): void {
  const { schema } = request.routeOptions
  if (!responsesOf(request.routeOptions)?.['200']) return
  const resolve = (id: string) => app.getSchema(id) as Schema
  for (const [value, known] of [
    [request.body, schema?.body],
    [request.query, schema?.querystring ?? NO_FIELDS],
  ] as const) {
    if (!known) continue
    for (const field of unknownFields(value, known as Schema, resolve)) {
      request.warnings.push(`Unknown field ${field} was ignored.`)
    }
  }
}

/**
 * JSON bodies; an empty one, of whatever content type, is no body. Keys that would reach an object's
 * prototype are refused, and a number that JSON does not have (NaN, Infinity) is named with its field.
 */
function parseJson(app: FastifyInstance): void {
  const parse = app.getDefaultJsonParser('error', 'error')
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<string>('application/json', { parseAs: 'string' }, (request, body, done) => {
    if (body.trim() === '') return done(null, undefined)
    parse(request, body, (error, value) => {
      if (error) done(new ServiceError('INVALID_JSON', explainJsonError(body)))
      else done(null, value)
    })
  })
  app.addContentTypeParser<string>('*', { parseAs: 'string' }, (request, body, done) => {
    if (body === '') return done(null, undefined)
    const type = request.headers['content-type'] ?? 'none'
    const message = `The content type ${type.slice(0, 100)} is not supported; send application/json.`
    done(new ServiceError('UNSUPPORTED_MEDIA_TYPE', message))
  })
}

/** Why the parser refused a body. */
function explainJsonError(body: string): string {
  const notFinite = /"([^"\\]{1,100})"\s*:\s*([-+]?(?:NaN|Infinity))\b/.exec(body)
  try {
    JSON.parse(body)
  } catch (error) {
    if (notFinite)
      return `${notFinite[1]} is ${notFinite[2]}, which JSON does not have; allowed is a finite number.`
    return `The body is not valid JSON: ${(error as Error).message.replace(/\s+/g, ' ').slice(0, 200)}.`
  }
  return 'The body holds a key that is not allowed: __proto__, or constructor with prototype in it. Remove it.'
}
