import { ANOMALY_TYPES, type AnomalyType } from '../anomaly/verdict.js'
import type { Random } from '../statistics/random.js'

/** What an incident does to the ordinary minute beneath it. */
export interface Effect {
  /** Factor on the requests a second. */
  readonly traffic: number
  /** Factor on every latency. */
  readonly latency: number
  /** Added to the error rate, as a share of the requests. */
  readonly errors: number
}

/** Some minutes in a row with the same fault. */
interface Incident {
  readonly type: AnomalyType
  /** Index of the first minute. */
  readonly start: number
  /** Minutes. */
  readonly length: number
  readonly effect: Effect
}

const MIN_MINUTES = 3
const MAX_MINUTES = 20

/**
 * The incidents of a run of minutes, in order and without overlap, together `rate` of all minutes.
 *
 * An incident of d minutes gets a slot of d / rate minutes and lies at random within it, so the share holds
 * all along the way and not only on average. Types are dealt like cards: six incidents in a row hold each
 * type once. Lengths are 3 to 20 minutes, less at the end or where the whole run is too short for six
 * incidents of that length. Constant memory.
 *
 * @param minutes length of the run
 * @param rate share of minutes in incidents, 0…1, exact to the nearest minute
 */
export function* incidents(minutes: number, rate: number, random: Random): Generator<Incident, void> {
  const total = Math.round(minutes * rate)
  const longest = Math.min(MAX_MINUTES, Math.max(MIN_MINUTES, Math.floor(total / ANOMALY_TYPES.length)))
  let deck: AnomalyType[] = []
  let placed = 0
  let slotStart = 0
  while (placed < total) {
    const length = Math.min(MIN_MINUTES + random.integer(longest - MIN_MINUTES + 1), total - placed)
    placed += length
    const slotEnd = Math.min(minutes, Math.floor(placed / rate))
    const room = Math.max(0, slotEnd - slotStart - length)
    const start = slotStart + random.integer(room + 1)
    if (deck.length === 0) deck = shuffled(ANOMALY_TYPES, random)
    const type = deck.pop()!
    yield { type, start, length, effect: drawEffect(type, random) }
    slotStart = slotEnd
  }
}

function drawEffect(type: AnomalyType, random: Random): Effect {
  const between = (low: number, high: number) => low + (high - low) * random.uniform()
  /** Uniform in the logarithm: threefold to sixfold is as likely as fivefold to tenfold. */
  const times = (low: number, high: number) => Math.exp(between(Math.log(low), Math.log(high)))
  switch (type) {
    case 'traffic_spike':
      return { traffic: times(3, 10), latency: 1, errors: 0 }
    case 'traffic_drop':
      return { traffic: between(0, 0.15), latency: 1, errors: 0 }
    case 'latency_spike':
      return { traffic: 1, latency: times(3, 8), errors: 0 }
    case 'error_rate_spike':
      return { traffic: 1, latency: 1, errors: between(0.15, 0.6) }
    case 'pattern_anomaly':
      return { traffic: times(1.5, 1.9), latency: times(1.3, 1.7), errors: between(0.01, 0.02) }
    case 'multi_dimensional':
      return { traffic: times(3, 8), latency: times(3, 6), errors: between(0.15, 0.5) }
  }
}

/** Fisher and Yates. */
function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items]
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.integer(i + 1)
    ;[result[i], result[j]] = [result[j]!, result[i]!]
  }
  return result
}
