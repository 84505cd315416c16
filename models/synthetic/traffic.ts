import { createRandom, type Random } from '../statistics/random.js'
import type { AnomalyType } from '../anomaly/verdict.js'
import { incidents, type Effect } from './incidents.js'
import { weeklyLoad } from './rhythm.js'

/** One minute of a gateway's traffic; the names are those of the HTTP interface and of the CSV columns. */
export interface SyntheticMinute {
  readonly timestampMs: number
  readonly requests_per_second: number
  readonly avg_latency_ms: number
  readonly p95_latency_ms: number
  readonly p99_latency_ms: number
  /** Share of the requests that failed, 0…1. */
  readonly error_rate: number
  /** The kind of incident this minute belongs to, null in ordinary traffic. */
  readonly label: AnomalyType | null
}

/** What {@link generateTraffic} is asked for. */
export interface SyntheticOptions {
  /** How many rows, a whole number from 0. */
  readonly minutes: number
  /** Requests a second of the average weekday, above 0. */
  readonly baseRps: number
  /** Share of the minutes that lie in incidents, 0…1. */
  readonly anomalyRate: number
  /** Any finite number; the same seed gives the same rows. */
  readonly seed: number
  /** The first minute, milliseconds since 1970; the rhythm follows UTC. */
  readonly startMs: number
}

const MS_PER_MINUTE = 60_000
const BASE_LATENCY_MS = 45
const BASE_ERROR_RATE = 0.01
const NO_EFFECT: Effect = { traffic: 1, latency: 1, errors: 0 }

/**
 * A gateway's traffic minute by minute: a rhythm over day and week ({@link weeklyLoad}), log-normal noise,
 * latencies that rise a little with the load, about one failed request in a hundred, and labelled incidents.
 * Noise and incidents are drawn from generators of their own: with another `anomalyRate` the ordinary minutes
 * stay as they are. Constant memory; about a microsecond a row.
 *
 * @returns rows in order of time, one a minute, all values finite and not negative, avg ≤ p95 ≤ p99,
 *   error rates at most 1
 * @throws RangeError on an option outside its range, at the first row
 */
export function* generateTraffic(options: SyntheticOptions): Generator<SyntheticMinute, void> {
  checkOptions(options)
  const { minutes, baseRps, anomalyRate, seed, startMs } = options
  const noise = createRandom(seed)
  const chance = createRandom(noise.uniform())
  const schedule = incidents(minutes, anomalyRate, chance)
  let incident = schedule.next().value
  for (let minute = 0; minute < minutes; minute++) {
    if (incident && minute >= incident.start + incident.length) incident = schedule.next().value
    const active = incident && minute >= incident.start ? incident : undefined
    const effect = active ? unsteady(active.effect, chance) : NO_EFFECT
    const timestampMs = startMs + minute * MS_PER_MINUTE
    yield {
      timestampMs,
      ...measure(baseRps, weeklyLoad(timestampMs), effect, noise),
      label: active?.type ?? null,
    }
  }
}

/** The five measurements of one minute; always the same number of draws from `noise`. */
function measure(baseRps: number, usualLoad: number, effect: Effect, noise: Random) {
  const load = usualLoad * effect.traffic * logNormal(noise, 0.08)
  // Ten times the traffic makes answers 1.4 times as slow; an idle gateway does not answer in no time.
  const queueing = Math.max(load, 0.1) ** 0.15
  const average = BASE_LATENCY_MS * queueing * effect.latency * logNormal(noise, 0.06)
  const p95 = average * (1 + logNormal(noise, 0.1))
  const p99 = p95 * (1 + 0.5 * logNormal(noise, 0.15))
  const errors = BASE_ERROR_RATE * logNormal(noise, 0.2) + effect.errors
  return {
    requests_per_second: baseRps * load,
    avg_latency_ms: average,
    p95_latency_ms: p95,
    p99_latency_ms: p99,
    error_rate: Math.min(1, errors),
  }
}

/** An incident is not equally strong in each of its minutes: five percent either way, rarely more. */
function unsteady({ traffic, latency, errors }: Effect, random: Random): Effect {
  const sway = logNormal(random, 0.05)
  const swing = (factor: number) => (factor === 1 ? 1 : factor * sway)
  return { traffic: swing(traffic), latency: swing(latency), errors: errors * sway }
}

/** A factor with median 1. */
function logNormal(random: Random, sigma: number): number {
  return Math.exp(sigma * random.normal())
}

function checkOptions({ minutes, baseRps, anomalyRate, seed, startMs }: SyntheticOptions): void {
  const check = (holds: boolean, rule: string) => {
    if (!holds) throw new RangeError(rule)
  }
  check(Number.isInteger(minutes) && minutes >= 0, `minutes must be a whole number from 0, not ${minutes}.`)
  check(baseRps > 0 && baseRps <= 1e12, `baseRps must be above 0 and at most 1e12, not ${baseRps}.`)
  check(anomalyRate >= 0 && anomalyRate <= 1, `anomalyRate must lie between 0 and 1, not ${anomalyRate}.`)
  check(Number.isFinite(seed), `seed must be a finite number, not ${seed}.`)
  check(Number.isFinite(startMs), `startMs must be a finite number, not ${startMs}.`)
}
