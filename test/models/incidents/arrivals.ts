import { ClientArrivals } from '../../../models/incidents/client-arrivals.js'
import type { BeforeAndDuring } from '../../../models/incidents/culprits.js'
import type { Random } from '../../../models/statistics/random.js'

/** A request of a client, at a time in seconds. */
export interface Arrival {
  readonly at: number
  readonly client: number
  readonly status: number
}

function arrivalsOf(requests: readonly Arrival[]): ClientArrivals {
  const sorted = requests.toSorted((a, b) => a.at - b.at)
  const arrivals = new ClientArrivals()
  arrivals.push({
    length: sorted.length,
    timeMs: Float64Array.from(sorted, ({ at }) => Math.round(1000 * at)),
    client: Uint32Array.from(sorted, ({ client }) => client),
    status: Uint16Array.from(sorted, ({ status }) => status),
  })
  return arrivals
}

/** An hour before, and ten minutes of an incident. */
export function compared(before: readonly Arrival[], during: readonly Arrival[]): BeforeAndDuring {
  return {
    ...{ before: arrivalsOf(before), beforeMs: 3_600_000 },
    ...{ during: arrivalsOf(during), duringMs: 600_000 },
  }
}

export interface Behaviour {
  readonly clients: number
  readonly seconds: number
  /** Seconds between two calls of a client, on average. */
  readonly every: number
  /** Share of requests that fail. */
  readonly failing: number
  /** Seconds before a failed call is repeated the n-th time; null: it is not. */
  readonly retryAfter: (attempt: number) => number | null
  /** The number of the first client. */
  readonly first?: number
}

/** Clients that call now and then, and repeat what fails as they do. */
export function simulate(behaviour: Behaviour, random: Random): Arrival[] {
  const { clients, seconds, every, failing, retryAfter, first = 0 } = behaviour
  const requests: Arrival[] = []
  for (let client = first; client < first + clients; client++) {
    let at = random.uniform() * every
    let attempt = 0
    while (at < seconds) {
      const failed = random.uniform() < failing
      requests.push({ at, client, status: failed ? 503 : 200 })
      const wait = failed ? retryAfter(++attempt) : null
      if (wait === null) attempt = 0
      at += wait ?? -Math.log(1 - random.uniform()) * every
    }
  }
  return requests
}
