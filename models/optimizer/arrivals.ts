import { ClientActivity, type RequestFacts } from '../rate-limit/clients/activity.js'
import { ClientCosts } from '../rate-limit/clients/costs.js'
import { FIRST_LENGTH, grown } from '../rate-limit/growing-array.js'
import { inRanges, type MinuteRange } from '../rate-limit/minute-ranges.js'
import { PairSlots } from '../rate-limit/pair-slots.js'
import { DailyCurve } from '../rate-limit/endpoints/daily-curve.js'
import { SecondCounts } from '../rate-limit/endpoints/second-counts.js'
import { MINUTE_MS, SECOND_MS } from '../traffic/durations.js'
import { isError } from '../traffic/failure-status.js'

/** Rates of the clients' arrival curves, requests a minute: each half as much again as the one before, 3 to 9,976. */
export const CURVE_LIMITS: readonly number[] = Array.from({ length: 21 }, (_, k) => Math.round(3 * 1.5 ** k))

const MAX_PAIRS = 2_000_000

/** Requests in columns, in order of time. */
interface ArrivalBatch {
  readonly length: number
  readonly timeMs: ArrayLike<number>
  readonly client: ArrayLike<number>
  readonly endpoint: ArrayLike<number>
  /** HTTP status, 0 where there is none; left out where none is known, as the next two. */
  readonly status?: ArrayLike<number>
  /** Hashes of the path without and with its query string; see hashPath. */
  readonly path?: ArrayLike<number>
  readonly target?: ArrayLike<number>
}

/** What is kept of the requests of one endpoint. */
class EndpointArrivals {
  readonly seconds = new SecondCounts()
  readonly activity = new ClientActivity(CURVE_LIMITS)
  readonly curve: DailyCurve
  /** Only where costs are asked for. */
  costs: ClientCosts | null = null
  /** Of each client of the activity: its index in the batches. */
  clients = new Uint32Array(FIRST_LENGTH)
  nClients = 0

  constructor(limits: readonly number[]) {
    this.curve = new DailyCurve(limits)
  }
}

interface ArrivalsOptions {
  /** The rates (requests a minute, ascending) at which all callers of each endpoint together are looked at. */
  readonly limits: readonly (readonly number[])[]
  /** By index of the batches: which of the endpoints above a request counts for; none for one that is left out. */
  readonly places: readonly (readonly number[])[]
  /** Merged; their requests are left out. */
  readonly excluded: readonly MinuteRange[]
  /** The client of requests that no client is known to have sent. */
  readonly nobody: number
  /** For which of the endpoints above costs are counted too; null: for none. */
  readonly costs?: CountedCosts | null
}

interface CountedCosts {
  readonly place: number
  /** By index of the batches: what a request costs, whole numbers from 1. */
  readonly weights: ArrayLike<number>
  /** Of all requests, a whole number from 1. */
  readonly meanWeight: number
}

/**
 * One pass over the requests of all endpoints, in order of time: busy seconds, the arrival curves of all callers
 * together and of each client, and what clients do by the hour.
 *
 * Memory: some 5 kB for an endpoint before its first request. A pair of endpoint and client takes 260 to 290 bytes, 16
 * for each of CURVE_LIMITS and 40 for each of its hours with requests; up to twice that where arrays have just grown.
 * Two million pairs are kept; clients beyond that count for the endpoint alone.
 */
export class Arrivals {
  readonly endpoints: readonly EndpointArrivals[]
  readonly #options: ArrivalsOptions
  readonly #slots: PairSlots

  constructor(options: ArrivalsOptions) {
    this.#options = options
    this.endpoints = options.limits.map((limits) => new EndpointArrivals(limits))
    this.#slots = new PairSlots(Math.max(1, options.limits.length), MAX_PAIRS)
    const { costs } = options
    if (costs) this.endpoints[costs.place]!.costs = new ClientCosts(CURVE_LIMITS, costs.meanWeight)
  }

  add({ length, timeMs, client, endpoint, status, path, target }: ArrivalBatch): void {
    const { places, excluded } = this.#options
    const facts = { status: 0, path: path?.[0], target: target?.[0], endpoint: 0 }
    for (let i = 0; i < length; i++) {
      const time = timeMs[i]!
      if (excluded.length > 0 && inRanges(excluded, Math.floor(time / MINUTE_MS))) continue
      facts.endpoint = endpoint[i]!
      if (status) facts.status = status[i]!
      if (path) facts.path = path[i]
      if (target) facts.target = target[i]
      for (const place of places[facts.endpoint] ?? []) this.#count(place, client[i]!, time, facts)
    }
  }

  #count(place: number, client: number, timeMs: number, facts: RequestFacts): void {
    const of = this.endpoints[place]!
    of.seconds.add(Math.floor(timeMs / SECOND_MS))
    of.curve.add(timeMs)
    if (client === this.#options.nobody) return
    const slot = this.#slots.slotOf(place, client)
    if (slot < 0) return
    if (slot === of.nClients) {
      of.clients = grown(of.clients, ++of.nClients)
      of.clients[slot] = client
    }
    const row = of.activity.add(slot, timeMs, facts)
    of.costs?.add(slot, row, timeMs, this.#options.costs!.weights[facts.endpoint]!, isError(facts.status))
  }
}
