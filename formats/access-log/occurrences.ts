const FIRST_SLOTS = 1 << 12
/** 12 bytes a slot, half of the slots in use, two generations: 200 MB at most. */
const MAX_LINES = 1 << 22
const TWO_32 = 2 ** 32

/**
 * How many times a line has been there, in memory that has an end: of the last `maxLines` different lines at least,
 * and of twice as many at most, by their hashes. One that comes again later counts as new. Constant time.
 */
export class Occurrences {
  readonly #maxLines: number
  #young = new CountTable(FIRST_SLOTS)
  #old = new CountTable(FIRST_SLOTS)

  constructor(maxLines = MAX_LINES) {
    this.#maxLines = maxLines
  }

  /**
   * Counts a line.
   * @param hash a whole number below 2^53, evenly spread; equal hashes are taken for equal lines
   * @returns 1 for the first
   */
  add(hash: number): number {
    const count = this.#young.get(hash) || this.#old.get(hash)
    if (this.#young.size >= this.#maxLines) {
      this.#old = this.#young
      this.#young = new CountTable(FIRST_SLOTS)
    }
    this.#young.set(hash, count + 1)
    return count + 1
  }
}

/** Open addressing with linear probing (Knuth, TAOCP volume 3, 6.4), at most half full; a count of 0 is no entry. */
class CountTable {
  #high: Uint32Array
  #low: Uint32Array
  #counts: Uint32Array
  size = 0

  constructor(slots: number) {
    this.#high = new Uint32Array(slots)
    this.#low = new Uint32Array(slots)
    this.#counts = new Uint32Array(slots)
  }

  get(hash: number): number {
    return this.#counts[this.#slotOf((hash / TWO_32) >>> 0, hash >>> 0)]!
  }

  set(hash: number, count: number): void {
    const high = (hash / TWO_32) >>> 0
    const low = hash >>> 0
    const slot = this.#slotOf(high, low)
    if (this.#counts[slot] === 0) this.size++
    this.#high[slot] = high
    this.#low[slot] = low
    this.#counts[slot] = count
    if (this.size * 2 > this.#counts.length) this.#grow()
  }

  #slotOf(high: number, low: number): number {
    const mask = this.#counts.length - 1
    let slot = low & mask
    while (this.#counts[slot] !== 0 && (this.#low[slot] !== low || this.#high[slot] !== high)) {
      slot = (slot + 1) & mask
    }
    return slot
  }

  #grow(): void {
    const larger = new CountTable(this.#counts.length * 2)
    this.#counts.forEach((count, slot) => {
      if (count > 0) larger.set(this.#high[slot]! * TWO_32 + this.#low[slot]!, count)
    })
    this.#high = larger.#high
    this.#low = larger.#low
    this.#counts = larger.#counts
  }
}
