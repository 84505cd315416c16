import fc from 'fast-check'
import type { Contract, Operation, Parameter } from './contract.js'
import { kindOf, type KnownIds } from './known-ids.js'
import { mutatedRequest } from './mutations.js'
import { sent, type FuzzRequest, type ValidRequest } from './request.js'
import { validValue, type Hints } from './valid-values.js'

/** Names that the traffic of the run has. */
const NAMES = {
  endpoints: [
    'GET /api/items/{id}',
    '/api/items/{id}',
    'POST /api/orders',
    '/api/orders',
    '/api/search',
    '/nowhere',
  ],
  sources: ['default', 'gateway-1', 'gateway-2'],
}

/** These start work that takes a second of a processor or more: fewer of them are sent. */
const HEAVY = new Set(['train', 'trainSynthetic', 'generateSynthetic', 'scanIncidents', 'backtest'])
const WEIGHT = 12
const HEAVY_WEIGHT = 1

function hintsFor(known: KnownIds): Hints {
  const version = fc.nat(100).map((choice) => known.pick('versions', choice))
  return {
    endpoint: fc.constantFrom(...NAMES.endpoints),
    source: fc.constantFrom(...NAMES.sources),
    prefix: fc.constantFrom('/', '/api'),
    version,
    wait: fc.constantFrom(true, false, false),
    days: fc.integer({ min: 1, max: 2 }),
    duration_hours: fc.integer({ min: 1, max: 4 }),
    base_rps: fc.integer({ min: 1, max: 100 }),
    n_clusters: fc.integer({ min: 1, max: 4 }),
  }
}

/** Requests over all operations, half of them invalid. */
export function anyRequest(contract: Contract, known: KnownIds): fc.Arbitrary<FuzzRequest> {
  const valid = fc.oneof(
    ...contract.operations.map((operation) => ({
      arbitrary: validRequest(operation, contract, known),
      weight: HEAVY.has(operation.operationId) ? HEAVY_WEIGHT : WEIGHT,
    })),
  )
  return fc.oneof(valid.map(sent), mutatedRequest(valid))
}

function validRequest(operation: Operation, contract: Contract, known: KnownIds): fc.Arbitrary<ValidRequest> {
  const hints = hintsFor(known)
  const valueOf = (schema: Parameter['schema']) => validValue(schema, contract.resolve, hints)
  const parameters = Object.fromEntries(
    operation.parameters.map((each) => {
      const id = fc.nat(100).map((choice) => known.pick(kindOf(operation.path), choice))
      const value = fc.oneof(
        ...(each.in === 'path' ? [id, id, id] : []),
        hints[each.name] ?? valueOf(each.schema),
        valueOf(each.schema),
      )
      return [each.name, value]
    }),
  )
  const requiredKeys = operation.parameters.filter(({ required }) => required).map(({ name }) => name)
  const body = fc.oneof(
    ...Object.entries(operation.bodies).map(([type, schema]) =>
      type === 'application/json'
        ? {
            arbitrary: fc.record({ type: fc.constant(type), body: bounded(operation, valueOf(schema)) }),
            weight: 6,
          }
        : { arbitrary: fc.record({ type: fc.constant(type), body: otherBody(type) }), weight: 1 },
    ),
    ...(Object.keys(operation.bodies).length === 0
      ? [fc.constant({ type: undefined, body: undefined })]
      : []),
  )
  return fc
    .record({ parameters: fc.record(parameters, { requiredKeys, noNullPrototype: true }), content: body })
    .map(({ parameters, content }) => ({ operation, parameters, ...content }))
}

/** What the schema allows, but no more work than the run has time for. */
function bounded({ operationId }: Operation, body: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  if (operationId !== 'generateSynthetic') return body
  return body.map((value) => {
    const { duration_hours: hours = 1 } = value as { duration_hours?: number }
    return { ...(value as object), duration_hours: Math.min(hours, 24) }
  })
}

function otherBody(type: string): fc.Arbitrary<Buffer> {
  if (!type.includes('ndjson')) return fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
  const row = fc.record({
    timestamp: fc
      .integer({ min: 1, max: 120 })
      .map((minutes) => new Date(Date.now() - minutes * 60_000).toISOString()),
    method: fc.constantFrom('GET', 'POST'),
    path: fc.nat(99).map((id) => `/api/items/${id}`),
    status_code: fc.constantFrom(200, 404, 500),
  })
  return fc
    .array(row, { minLength: 1, maxLength: 20 })
    .map((rows) => Buffer.from(rows.map((each) => JSON.stringify(each)).join('\n')))
}
