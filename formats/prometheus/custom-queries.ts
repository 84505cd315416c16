import { histogramLatencies, LATENCY_UNITS, type LatencyUnit, type PrometheusQueries } from './queries.js'

const EXPRESSIONS = {
  requests: 'requests',
  errors: 'errors',
  avg_latency: 'avgLatency',
  p95_latency: 'p95Latency',
  p99_latency: 'p99Latency',
} as const

const FIELDS = [...Object.keys(EXPRESSIONS), 'latency_histogram', 'latency_unit']

const MAX_EXPRESSION = 2000

const HISTOGRAM = /^([a-zA-Z_:][\w:]*)(?:\{([^]*)\})?$/

/**
 * An operator's own queries: an object with `requests` and `errors`, latencies one by one or as the name of a
 * histogram, and `latency_unit`.
 *
 * @throws SyntaxError for a text that is not JSON, TypeError for one that has other fields or values; the message says
 *   what is allowed
 */
export function parseQueries(json: string): PrometheusQueries {
  const given = JSON.parse(json) as Record<string, unknown>
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new TypeError('it is not an object')
  }
  for (const [field, value] of Object.entries(given)) checkField(field, value)
  for (const field of ['requests', 'errors']) {
    if (given[field] === undefined) throw new TypeError(`it lacks ${field}`)
  }
  const fields = given as Record<string, string>
  const unit = (fields['latency_unit'] ?? 'seconds') as LatencyUnit
  const latencies =
    fields['latency_histogram'] === undefined ? {} : fromHistogram(fields['latency_histogram'])
  const expressions = Object.entries(EXPRESSIONS).filter(([field]) => fields[field] !== undefined)
  const figures = Object.fromEntries(expressions.map(([field, figure]) => [figure, fields[field]!]))
  const { requests, errors } = fields as { requests: string; errors: string }
  return { ...latencies, ...figures, requests, errors, latencyUnit: unit, counter: null }
}

function checkField(field: string, value: unknown): void {
  if (!FIELDS.includes(field)) throw new TypeError(`its fields may be ${FIELDS.join(', ')}`)
  if (typeof value !== 'string' || value.trim() === '' || value.length > MAX_EXPRESSION) {
    throw new TypeError(`${field} must be a text of 1 to ${MAX_EXPRESSION} characters`)
  }
  const units = Object.keys(LATENCY_UNITS)
  if (field === 'latency_unit' && !units.includes(value)) {
    throw new TypeError(`latency_unit must be ${units.join(' or ')}`)
  }
}

function fromHistogram(text: string) {
  const [, name, matchers = ''] = HISTOGRAM.exec(text) ?? []
  if (name === undefined) throw new TypeError('latency_histogram must be a name, with or without {labels}')
  return histogramLatencies(name.replace(/_bucket$/, ''), matchers)
}
