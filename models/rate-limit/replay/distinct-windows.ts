import { FIRST_LENGTH, grown } from '../growing-array.js'
import { checkRule } from './limit-rule.js'

const EMPTY = 0xffffffff
const FIRST_CAPACITY = 64
const MAX_VALUES = 2_000_000

/**
 * A limit on the different values (paths) of each of many clients, in windows of the clock: `limit` of them pass in
 * each window, and one that was counted before passes again. Exact but for values with equal hashes (one in 4 billion).
 *
 * The values of the present window are kept, in a hash table with linear probing, at most half full: 16 to 32 bytes a
 * value, 2 million values at most. Further ones pass uncounted. Clients are small whole numbers from 0; times are
 * milliseconds, ascending.
 */
export class DistinctWindows {
  readonly #limit: number
  readonly #windowMs: number
  readonly #maxValues: number
  #window = -Infinity
  /** Values of each client in the present window. */
  #count = new Uint32Array(FIRST_LENGTH)
  #size = 0
  #clients = new Uint32Array(FIRST_CAPACITY).fill(EMPTY)
  #values = new Uint32Array(FIRST_CAPACITY)

  /** @throws RangeError when limit or windowMs is not a whole number from 1 */
  constructor(
    { limit, windowMs }: { readonly limit: number; readonly windowMs: number },
    maxValues = MAX_VALUES,
  ) {
    checkRule({ limit, windowMs })
    this.#limit = limit
    this.#windowMs = windowMs
    this.#maxValues = maxValues
  }

  /** Whether a request for a value would pass; counts nothing. @param value 32 bits that are well mixed */
  allows(client: number, timeMs: number, value: number): boolean {
    this.#goTo(timeMs)
    const isFull = (this.#count[client] ?? 0) >= this.#limit
    return !isFull || this.#clients[this.#placeOf(client, value)] !== EMPTY
  }

  /** Counts a value that {@link allows} lets pass. */
  take(client: number, timeMs: number, value: number): void {
    this.#goTo(timeMs)
    const place = this.#placeOf(client, value)
    if (this.#clients[place] !== EMPTY || this.#size >= this.#maxValues) return
    this.#clients[place] = client
    this.#values[place] = value
    this.#count = grown(this.#count, client + 1)
    this.#count[client]!++
    if (2 * ++this.#size > this.#clients.length) this.#grow()
  }

  /** A new window begins empty. */
  #goTo(timeMs: number): void {
    const window = Math.floor(timeMs / this.#windowMs)
    if (window <= this.#window) return
    this.#window = window
    if (this.#size === 0) return
    this.#clients.fill(EMPTY)
    this.#count.fill(0)
    this.#size = 0
  }

  /** Where the value is, or would be. */
  #placeOf(client: number, value: number): number {
    const mask = this.#clients.length - 1
    const mixed = Math.imul(client ^ value, 0x9e3779b1)
    let place = (mixed ^ (mixed >>> 15)) & mask
    while (
      this.#clients[place] !== EMPTY &&
      !(this.#clients[place] === client && this.#values[place] === value)
    )
      place = (place + 1) & mask
    return place
  }

  #grow(): void {
    const [clients, values] = [this.#clients, this.#values]
    this.#clients = new Uint32Array(2 * clients.length).fill(EMPTY)
    this.#values = new Uint32Array(2 * clients.length)
    for (let i = 0; i < clients.length; i++) {
      if (clients[i] === EMPTY) continue
      const place = this.#placeOf(clients[i]!, values[i]!)
      this.#clients[place] = clients[i]!
      this.#values[place] = values[i]!
    }
  }
}
