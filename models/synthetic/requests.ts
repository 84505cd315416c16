import type { AnomalyType } from '../anomaly/verdict.js'
import { createRandom, type Random } from '../statistics/random.js'
import { aliasTable } from './alias-table.js'
import { ENDPOINTS, type Endpoint } from './endpoints.js'
import { createPopulation, type Population } from './population.js'
import { generateTraffic, type SyntheticMinute, type SyntheticOptions } from './traffic.js'
import { MINUTE_MS } from '../traffic/durations.js'

/** Some requests of one minute, column by column, in order of time. */
export interface RequestBatch {
  /** How many there are; the columns may be longer. */
  length: number
  /** What number the first one has, counted from 0 over the whole run. */
  first: number
  /** Start of the minute, milliseconds since 1970. */
  minuteMs: number
  /** The kind of incident that minute belongs to, null in ordinary traffic. */
  label: AnomalyType | null
  /** Milliseconds since the start of the minute, ascending. */
  readonly offsetMs: Uint16Array
  /** Index into {@link ENDPOINTS}. */
  readonly endpoint: Uint8Array
  /** Index into the clients of the population. */
  readonly client: Uint16Array
  readonly status: Uint16Array
  /** Whole milliseconds, from 1. */
  readonly latencyMs: Uint16Array
}

const BATCH = 256
/** The gateway gives up then. */
const MAX_LATENCY_MS = 60_000
/** Error rates up to this are ordinary: endpoints differ in them; what goes beyond strikes all alike. */
const ORDINARY_ERROR_RATE = 0.01
/** Share of the ordinary failures that are the caller's. */
const CALLERS_FAULT = 0.7
/** Share of the cached answers that are "not modified". */
const NOT_MODIFIED = 0.4
const CLIENT_ERRORS = [404, 404, 404, 401, 401, 400, 403, 422, 429, 429]
const SERVER_ERRORS = [500, 500, 502, 503, 503, 504]

/** Who sends the requests of a seed. */
export const populationOf = (seed: number): Population => createPopulation(seed + 0.25)

/**
 * The single requests behind the minutes of {@link generateTraffic}: for the same options each minute has, up to
 * chance, that minute's requests a second, average latency and error rate, and its label. Arrivals are a Poisson
 * process; latencies are log-normal, with a median and a spread for each endpoint; incidents slow down and break
 * all endpoints alike. Constant memory; a fraction of a microsecond a request.
 *
 * @param population who sends them, see {@link populationOf}
 * @returns batches, each of a single minute and not empty; a batch is overwritten by the next one
 * @throws RangeError on an option outside its range, at the first batch
 */
export function* generateRequests(
  options: SyntheticOptions,
  population: Population,
): Generator<Readonly<RequestBatch>, void> {
  const random = createRandom(options.seed + 0.5)
  const endpoints = aliasTable(ENDPOINTS.map(({ weight }) => weight))
  const batch = emptyBatch()
  for (const minute of generateTraffic(options)) {
    const conditions = conditionsOf(minute)
    const msBetween = 1000 / minute.requests_per_second
    batch.minuteMs = minute.timestampMs
    batch.label = minute.label
    let offset = waitingTime(random, msBetween)
    while (offset < MINUTE_MS) {
      batch.first += batch.length
      let length = 0
      for (; length < BATCH && offset < MINUTE_MS; length++) {
        const endpoint = endpoints.draw(random)
        batch.offsetMs[length] = offset
        batch.endpoint[length] = endpoint
        batch.client[length] = population.activity.draw(random)
        batch.status[length] = drawStatus(endpoint, conditions, random)
        batch.latencyMs[length] = drawLatency(endpoint, conditions, random)
        offset += waitingTime(random, msBetween)
      }
      batch.length = length
      yield batch
    }
  }
}

/** Between two arrivals of a Poisson process: exponential. */
function waitingTime(random: Random, mean: number): number {
  return -Math.log(1 - random.uniform()) * mean
}

/** How each endpoint does in a minute. */
interface Conditions {
  readonly medianMs: Float64Array
  /** Shares of all requests: the caller's fault, any failure. */
  readonly callersFault: Float64Array
  readonly failing: Float64Array
}

const mean = (value: (endpoint: Endpoint) => number): number => {
  const total = ENDPOINTS.reduce((sum, { weight }) => sum + weight, 0)
  return ENDPOINTS.reduce((sum, endpoint) => sum + endpoint.weight * value(endpoint), 0) / total
}
/** The mean of a log-normal variable is median · exp(σ² / 2). */
const MEAN_LATENCY_MS = mean(({ medianMs, sigma }) => medianMs * Math.exp(sigma ** 2 / 2))
const MEAN_FAILURES = mean(({ failures }) => failures)

function conditionsOf({ avg_latency_ms, error_rate }: SyntheticMinute): Conditions {
  const ordinary = Math.min(error_rate, ORDINARY_ERROR_RATE)
  const own = ENDPOINTS.map(({ failures }) => (ordinary * failures) / MEAN_FAILURES)
  return {
    medianMs: Float64Array.from(ENDPOINTS, ({ medianMs }) => (medianMs * avg_latency_ms) / MEAN_LATENCY_MS),
    callersFault: Float64Array.from(own, (rate) => CALLERS_FAULT * rate),
    failing: Float64Array.from(own, (rate) => Math.min(1, rate + error_rate - ordinary)),
  }
}

function drawLatency(endpoint: number, { medianMs }: Conditions, random: Random): number {
  const latency = medianMs[endpoint]! * Math.exp(SIGMAS[endpoint]! * random.normal())
  return Math.min(MAX_LATENCY_MS, Math.max(1, Math.round(latency)))
}

const SIGMAS = Float64Array.from(ENDPOINTS, ({ sigma }) => sigma)
const UNCHANGED = Float64Array.from(ENDPOINTS, ({ cached }) => cached * NOT_MODIFIED)
const SUCCESS = Uint16Array.from(ENDPOINTS, ({ method }) => {
  if (method === 'POST') return 201
  return method === 'DELETE' ? 204 : 200
})

function drawStatus(endpoint: number, { callersFault, failing }: Conditions, random: Random): number {
  const luck = random.uniform()
  if (luck < callersFault[endpoint]!) return oneOf(CLIENT_ERRORS, random)
  if (luck < failing[endpoint]!) return oneOf(SERVER_ERRORS, random)
  return luck > 1 - UNCHANGED[endpoint]! ? 304 : SUCCESS[endpoint]!
}

const oneOf = (items: readonly number[], random: Random): number => items[random.integer(items.length)]!

function emptyBatch(): RequestBatch {
  return {
    length: 0,
    first: 0,
    minuteMs: 0,
    label: null,
    offsetMs: new Uint16Array(BATCH),
    endpoint: new Uint8Array(BATCH),
    client: new Uint16Array(BATCH),
    status: new Uint16Array(BATCH),
    latencyMs: new Uint16Array(BATCH),
  }
}
