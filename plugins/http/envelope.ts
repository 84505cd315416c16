import type { FastifyInstance, FastifyRequest, RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { parseJsonBodies } from './json-body.js'
import { acceptOldForms } from './lenient.js'
import { readQueryValues } from './query-values.js'
import { MAX_FOUND, unknownFields, type Schema } from './validation.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** False for a route whose answers have a form of their own, for failures too. */
    envelope?: false
  }
  interface FastifyRequest {
    /** Sentences for the `warnings` of the answer. */
    warnings: string[]
  }
}

/**
 * Puts the data of every route into the envelope, in the answer and in the OpenAPI document. Routes declare and
 * return only their data. A route without a response schema for 200 or 202 (a file, an event stream) is unchanged, and
 * so is one that opts out.
 */
export default fp(
  async (app) => {
    app.setSerializerCompiler(() => JSON.stringify)
    parseJsonBodies(app)

    app.addHook('onRoute', (route) => {
      if (route.method === 'HEAD') return // it shares the schema of its GET, which this hook has already seen
      const responses = envelopedResponses(route)
      if (!responses) return
      for (const status of ENVELOPED) {
        if (responses[status]) responses[status] = envelopeOf(responses[status])
      }
      responses['default'] = ANY_OTHER_FAILURE
    })

    app.decorateRequest('warnings')
    app.addHook('onRequest', async (request) => {
      request.warnings = []
    })
    app.addHook('preValidation', async (request) => {
      if (request.routeOptions.schema?.body && request.body === undefined) request.body = {}
      acceptOld(app, request)
    })
    app.addHook('preHandler', async (request) => {
      warnOfUnknownFields(app, request)
    })
    app.addHook('preSerialization', async (request, reply, payload) => {
      if (reply.statusCode >= 400 || !envelopedResponses(request.routeOptions)) return payload
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

const ANY_OTHER_FAILURE = { description: 'Any other failure, for example 500 or 503.', $ref: 'Failure#' }

const ENVELOPED = ['200', '202'] as const

/** The response schemas of a route with an envelope. */
function envelopedResponses(
  route: Pick<RouteOptions, 'schema' | 'config'>,
): Record<string, Schema & { description?: string }> | undefined {
  if (route.config?.envelope === false) return undefined
  const responses = route.schema?.response as Record<string, Schema & { description?: string }> | undefined
  return ENVELOPED.some((status) => responses?.[status]) ? responses : undefined
}

function envelopeOf(data: Schema & { description?: string }) {
  return {
    description: data.description ?? 'Success.',
    type: 'object',
    required: ['success', 'data', 'timestamp'],
    properties: {
      success: { type: 'boolean', enum: [true], description: 'Always true.' },
      data,
      timestamp: {
        type: 'string',
        format: 'date-time',
        description: 'When the service answered.',
        examples: ['2026-01-31T12:00:00.000Z'],
      },
      warnings: {
        type: 'array',
        items: { type: 'string' },
        description:
          'What the service ignored in the request, for example an unknown field. Absent when there is nothing to report.',
        examples: [['Unknown field colour was ignored.']],
      },
    },
  }
}

function acceptOld(app: FastifyInstance, request: FastifyRequest): void {
  const { schema } = request.routeOptions
  const resolve = (id: string) => app.getSchema(id) as Schema
  const warn = (sentence: string): void => {
    if (!request.warnings.includes(sentence) && request.warnings.length < MAX_WARNINGS)
      request.warnings.push(sentence)
  }
  if (schema?.body) acceptOldForms(request.body, schema.body as Schema, resolve, warn)
  if (!schema?.querystring) return
  acceptOldForms(request.query, schema.querystring as Schema, resolve, warn)
  readQueryValues(request.query as Record<string, unknown>, schema.querystring as Schema)
}

const MAX_WARNINGS = 20

const NO_FIELDS: Schema = { properties: {} }

function warnOfUnknownFields(app: FastifyInstance, request: FastifyRequest): void {
  const { schema } = request.routeOptions
  if (!envelopedResponses(request.routeOptions)) return
  const resolve = (id: string) => app.getSchema(id) as Schema
  for (const [value, known] of [
    [request.body, schema?.body],
    [request.query, schema?.querystring ?? NO_FIELDS],
  ] as const) {
    if (!known) continue
    const fields = [...unknownFields(value, known as Schema, resolve)]
    for (const field of fields.slice(0, MAX_WARNINGS)) {
      const warning = `Unknown field ${field} was ignored.`
      if (!request.warnings.includes(warning)) request.warnings.push(warning) // NDJSON has both from the query
    }
    const more = fields.length - MAX_WARNINGS
    const atLeast = fields.length === MAX_FOUND ? 'at least ' : ''
    if (more > 0) request.warnings.push(`Unknown fields that are not named were ignored: ${atLeast}${more}.`)
  }
}
