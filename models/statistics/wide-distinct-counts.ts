import { DistinctCounts } from './distinct-counts.js'

/** A bitmap of all values for few of them, and one of a sample for many. */
const BITS = { all: 128, sample: 512 }
/** Up to here the bitmap of all is precise. */
const MAX_BY_ALL = 256
/** One value in 16 is in the sample, by four bits of the hash above those that choose the place in the bitmap. */
const IN_SAMPLE = 16
/** An estimate of this many times the bits is at the end of what a bitmap can count. */
const MAX_LOAD = 4

/**
 * How many different values each of many owners has, from a few up to tens of thousands: {@link DistinctCounts} of all
 * values and, where these are many, 16 times that of one value in 16 by its hash. 88 bytes for each owner; up to twice
 * that where the arrays have just grown.
 */
export class WideDistinctCounts {
  readonly #all = new DistinctCounts(BITS.all)
  readonly #sample = new DistinctCounts(BITS.sample)

  /** @param hash of the value, 32 bits that are well mixed */
  add(owner: number, hash: number): void {
    this.#all.add(owner, hash)
    if (Math.floor(hash / BITS.sample) % IN_SAMPLE === 0) this.#sample.add(owner, hash)
  }

  /** The estimate, not rounded; Infinity beyond about 30,000. 0 for an owner without values. */
  estimate(owner: number): number {
    const all = this.#all.estimate(owner)
    if (all <= MAX_BY_ALL) return all
    const sampled = this.#sample.estimate(owner)
    return sampled > MAX_LOAD * BITS.sample ? Infinity : Math.max(MAX_BY_ALL, IN_SAMPLE * sampled)
  }
}
