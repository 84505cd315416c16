const EMPTY = 0xffffffff

/**
 * Numbers pairs (endpoint, client) 0, 1, 2, … for each endpoint by itself, as they come: a hash table with linear
 * probing, at most half full, in flat arrays. 24 to 48 bytes a pair, several times as fast as a Map of strings.
 */
export class PairSlots {
  readonly #maxPairs: number
  readonly #nextSlot: Uint32Array
  #size = 0
  #mask = 1023
  #endpoints = new Uint32Array(1024)
  #clients = new Uint32Array(1024)
  #slots = new Uint32Array(1024).fill(EMPTY)

  /**
   * @param nEndpoints endpoints are below it
   * @param maxPairs how many pairs are kept at most
   */
  constructor(nEndpoints: number, maxPairs: number) {
    this.#nextSlot = new Uint32Array(nEndpoints)
    this.#maxPairs = maxPairs
  }

  /** The pair's number within its endpoint; -1 for a new pair when there is no room. */
  slotOf(endpoint: number, client: number): number {
    const place = this.#placeOf(endpoint, client)
    if (this.#slots[place] !== EMPTY) return this.#slots[place]!
    if (this.#size >= this.#maxPairs) return -1
    const slot = this.#nextSlot[endpoint]!++
    this.#put(place, endpoint, client, slot)
    if (2 * ++this.#size > this.#mask) this.#grow()
    return slot
  }

  /** Where the pair is, or would be. */
  #placeOf(endpoint: number, client: number): number {
    const mixed = Math.imul(client ^ Math.imul(endpoint, 0x85ebca6b), 0x9e3779b1)
    let place = (mixed ^ (mixed >>> 15)) & this.#mask
    while (
      this.#slots[place] !== EMPTY &&
      !(this.#clients[place] === client && this.#endpoints[place] === endpoint)
    ) {
      place = (place + 1) & this.#mask
    }
    return place
  }

  #put(place: number, endpoint: number, client: number, slot: number): void {
    this.#endpoints[place] = endpoint
    this.#clients[place] = client
    this.#slots[place] = slot
  }

  #grow(): void {
    const { endpoints, clients, slots } = {
      endpoints: this.#endpoints,
      clients: this.#clients,
      slots: this.#slots,
    }
    const capacity = 2 * slots.length
    this.#mask = capacity - 1
    this.#endpoints = new Uint32Array(capacity)
    this.#clients = new Uint32Array(capacity)
    this.#slots = new Uint32Array(capacity).fill(EMPTY)
    for (let i = 0; i < slots.length; i++) {
      if (slots[i] === EMPTY) continue
      this.#put(this.#placeOf(endpoints[i]!, clients[i]!), endpoints[i]!, clients[i]!, slots[i]!)
    }
  }
}
