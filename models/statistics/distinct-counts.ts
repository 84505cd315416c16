const WORD_BITS = 32
const FIRST_WORDS = 64

/**
 * How many different values each of many owners has, in a bitmap for each (linear counting: Whang, Vander-Zanden and
 * Taylor 1990, "A linear-time probabilistic counting algorithm for database applications"). With m bits, k of them
 * set, the estimate is m · ln(m / (m − k)). It is within a few percent up to about 2m values, and ends at m · ln m.
 * m / 8 bytes for each owner; up to twice that where the arrays have just grown.
 */
export class DistinctCounts {
  readonly #bits: number
  readonly #words: number
  #map = new Uint32Array(FIRST_WORDS)
  #set = new Uint32Array(FIRST_WORDS)

  /** @param bits m: a power of two from 32 */
  constructor(bits: number) {
    this.#bits = bits
    this.#words = bits / WORD_BITS
  }

  /**
   * Counts a value.
   * @param owner a small whole number from 0, of the caller's making
   * @param hash of the value, 32 bits that are well mixed
   * @returns whether it is certainly a new one
   */
  add(owner: number, hash: number): boolean {
    this.#reserve(owner)
    const bit = hash & (this.#bits - 1)
    const word = owner * this.#words + (bit >>> 5)
    const mask = 1 << (bit & (WORD_BITS - 1))
    if ((this.#map[word]! & mask) !== 0) return false
    this.#map[word]! |= mask
    this.#set[owner]!++
    return true
  }

  /** Forgets the values of an owner. */
  clear(owner: number): void {
    if (owner >= this.#set.length || this.#set[owner] === 0) return
    this.#map.fill(0, owner * this.#words, (owner + 1) * this.#words)
    this.#set[owner] = 0
  }

  /** The estimate, not rounded; 0 for an owner without values. */
  estimate(owner: number): number {
    const bits = this.#bits
    const free = Math.max(1, bits - (this.#set[owner] ?? 0))
    return bits * Math.log(bits / free)
  }

  #reserve(owner: number): void {
    if (owner >= this.#set.length) this.#set = longer(this.#set, owner + 1)
    const words = (owner + 1) * this.#words
    if (words > this.#map.length) this.#map = longer(this.#map, words)
  }
}

function longer(array: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const copy = new Uint32Array(Math.max(length, 2 * array.length))
  copy.set(array)
  return copy
}
