/** Each bucket ends 2 % above its beginning, so its geometric middle is less than 1 % from all that is in it. */
const GROWTH = 1.02
const LOWEST_MS = 0.01
const SCALE = 1 / Math.log(GROWTH)

/** Longer latencies count as ten minutes. */
export const HIGHEST_MS = 600_000

const BUCKETS = bucketOf(HIGHEST_MS) + 1

/**
 * Latencies in buckets that grow with them: memory and time for each do not depend on how many there were.
 * The mean is exact; quantiles are less than 1 % off, from 0.01 ms on.
 */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(BUCKETS)
  #count = 0
  #sumMs = 0
  #leastMs = Infinity
  #mostMs = 0

  get count(): number {
    return this.#count
  }

  /** 0 when there is none. */
  get meanMs(): number {
    return this.#sumMs / Math.max(1, this.#count)
  }

  add(latencyMs: number): void {
    const ms = latencyMs > 0 ? Math.min(latencyMs, HIGHEST_MS) : 0
    this.#counts[bucketOf(ms)]!++
    this.#count++
    this.#sumMs += ms
    if (ms < this.#leastMs) this.#leastMs = ms
    if (ms > this.#mostMs) this.#mostMs = ms
  }

  /**
   * The latency that the share q of all do not exceed (nearest rank).
   * @param q 0…1
   * @returns milliseconds; 0 when there is none
   */
  quantile(q: number): number {
    if (this.#count === 0) return 0
    let left = Math.max(1, Math.ceil(q * this.#count))
    let bucket = 0
    while ((left -= this.#counts[bucket]!) > 0) bucket++
    return Math.min(this.#mostMs, Math.max(this.#leastMs, middleOf(bucket)))
  }

  clear(): void {
    this.#counts.fill(0)
    this.#count = 0
    this.#sumMs = 0
    this.#leastMs = Infinity
    this.#mostMs = 0
  }
}

function bucketOf(ms: number): number {
  return ms > LOWEST_MS ? 1 + Math.floor(Math.log(ms / LOWEST_MS) * SCALE) : 0
}

function middleOf(bucket: number): number {
  return bucket === 0 ? LOWEST_MS : LOWEST_MS * GROWTH ** (bucket - 0.5)
}
