import type { ClientArrivals } from './client-arrivals.js'

/** The requests of an incident, and those of the time before it. */
export interface BeforeAndDuring {
  readonly before: ClientArrivals
  readonly beforeMs: number
  readonly during: ClientArrivals
  readonly duringMs: number
}

/** A client that sent more than before. */
export interface Culprit {
  /** Its index. */
  readonly client: number
  readonly requests: number
  /** Requests more than at its rate before. */
  readonly excess: number
}

/** Requests more than at the rate before, and the few clients that most of them come from. */
export interface Rise {
  /** Of all clients together, not negative. */
  readonly excess: number
  /** Whether it is more than chance and rhythm: a fifth of what was usual, and 30 requests. */
  readonly matters: boolean
  /** The client with the largest excess; null where none has 2 % of it. */
  readonly largest: Culprit | null
  /** The largest excess first; none where many clients share the rise. */
  readonly culprits: readonly Culprit[]
}

/** Together, the culprits have this share of the rise. */
const MIN_SHARE = 0.8
/** Each of them has this share of it. */
const MIN_OWN_SHARE = 0.02
const MAX_CULPRITS = 20
/** Of the clients: where few are there, one is many. */
const MAX_SHARE_OF_CLIENTS = 0.25
const MIN_RISE = 0.2
const MIN_REQUESTS = 30

/**
 * Who caused a rise of traffic: the fewest clients that 80 % of it come from, if they are at most 20, at most a quarter of all
 * clients (one always may), and each has at least 2 % of it. Ties are in the order of the indexes.
 */
export function findRise({ before, beforeMs, during, duringMs }: BeforeAndDuring): Rise {
  const scale = beforeMs > 0 ? duringMs / beforeMs : 0
  const usual = before.requests * scale
  const excess = Math.max(0, during.requests - usual)
  const matters = excess >= MIN_REQUESTS && excess >= MIN_RISE * usual
  const risen: Culprit[] = []
  let clients = 0
  for (let client = 0; client < during.nClients; client++) {
    const requests = during.requestsOf(client)
    if (requests === 0) continue
    clients++
    const own = requests - before.requestsOf(client) * scale
    if (own >= MIN_OWN_SHARE * excess) risen.push({ client, requests, excess: own })
  }
  risen.sort((a, b) => b.excess - a.excess || a.client - b.client)
  let sum = 0
  const count = risen.findIndex((each) => (sum += each.excess) >= MIN_SHARE * excess) + 1
  const most = Math.min(MAX_CULPRITS, Math.max(1, Math.floor(MAX_SHARE_OF_CLIENTS * clients)))
  const culprits = matters && count <= most ? risen.slice(0, count) : []
  return { excess, matters, largest: risen[0] ?? null, culprits }
}
