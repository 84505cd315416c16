import { FIRST_LENGTH, grown } from './growing-array.js'
import { checkRule } from './replay/limit-rule.js'

/**
 * The burstiness of many clients' arrivals at a handful of rates, in one pass over the requests in order of time.
 *
 * For a rate r a client needs a bucket of depth σ(r) = max over s ≤ t of A[s, t] − r·(t − s), where A[s, t] counts
 * its requests in the closed interval (Cruz 1991, "A calculus for network delay, part I", section II; Le Boudec and
 * Thiran 2001, "Network Calculus", chapter 1.2). The bucket of rate r and depth ⌈σ(r)⌉ that starts full rejects
 * none of them, one token less rejects at least one.
 *
 * The maximum over s follows the recursion of a queue (Lindley 1952), b ← max(b − r·Δ, 0) + 1, so a client and a
 * rate take two numbers, and a request as many steps as there are rates. Rates are `limits[k]` requests per
 * windowMs, and b is counted in 1/windowMs of a request: whole numbers, nothing is rounded while σ × windowMs < 2^53.
 * Below a client's mean rate σ grows with the history and says nothing.
 */
export class ArrivalCurves {
  readonly #limits: Float64Array
  readonly #windowMs: number
  /** Of each client: the time of its last request. */
  #lastMs = new Float64Array(FIRST_LENGTH)
  /** [nClients, nRates], row-major: the backlog after the last request, and the largest so far. */
  #backlog: Float64Array
  #largest: Float64Array
  #nClients = 0

  /**
   * @param limits requests per windowMs, whole numbers from 1
   * @throws RangeError when one is not, or there are none
   */
  constructor(limits: readonly number[], windowMs: number) {
    if (limits.length === 0) throw new RangeError('An arrival curve needs at least one rate.')
    for (const limit of limits) checkRule({ limit, windowMs })
    this.#limits = Float64Array.from(limits)
    this.#windowMs = windowMs
    this.#backlog = new Float64Array(FIRST_LENGTH * limits.length)
    this.#largest = new Float64Array(FIRST_LENGTH * limits.length)
  }

  /** Clients seen: one more than the highest index. */
  get nClients(): number {
    return this.#nClients
  }

  /**
   * Takes in a request.
   * @param client a small whole number from 0, of the caller's making
   * @param timeMs whole milliseconds, not before the client's last one (an earlier one counts as at that time)
   * @param cost what the request counts as, a whole number from 1
   */
  add(client: number, timeMs: number, cost = 1): void {
    if (client >= this.#nClients) this.#admit(client)
    const first = client * this.#limits.length
    const elapsed = Math.max(0, timeMs - this.#lastMs[client]!)
    this.#lastMs[client] = elapsed > 0 ? timeMs : this.#lastMs[client]!
    const added = cost * this.#windowMs
    for (let k = 0; k < this.#limits.length; k++) {
      const left = this.#backlog[first + k]! - elapsed * this.#limits[k]!
      const backlog = (left > 0 ? left : 0) + added
      this.#backlog[first + k] = backlog
      if (backlog > this.#largest[first + k]!) this.#largest[first + k] = backlog
    }
  }

  /** σ of a client at the k-th rate, in requests; 0 for a client without requests. */
  sigma(client: number, k: number): number {
    return client < this.#nClients ? this.#largest[client * this.#limits.length + k]! / this.#windowMs : 0
  }

  /** The smallest bucket that rejects nothing of a client at the k-th rate: ⌈σ⌉. */
  depth(client: number, k: number): number {
    return Math.ceil(this.sigma(client, k))
  }

  #admit(client: number): void {
    this.#nClients = client + 1
    this.#lastMs = grown(this.#lastMs, this.#nClients)
    this.#backlog = grown(this.#backlog, this.#nClients * this.#limits.length)
    this.#largest = grown(this.#largest, this.#nClients * this.#limits.length)
  }
}
