import { MINUTE_MS } from '../durations.js'

/** Each bucket ends 2 % above its start, so its geometric middle is less than 1 % from every value in it. */
const GROWTH = 1.02
const MIN_MS = 0.01
const SCALE = 1 / Math.log(GROWTH)

/** Longer latencies count as ten minutes. */
export const MAX_MS = 10 * MINUTE_MS

const BUCKETS = bucketOf(MAX_MS) + 1

/**
 * Latencies in logarithmic buckets: memory, and time per latency, do not depend on the number of latencies. The mean is
 * exact. From 0.01 ms, quantiles have an error below 1 %.
 */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(BUCKETS)
  #count = 0
  #sumMs = 0
  #minMs = Infinity
  #maxMs = 0

  get count(): number {
    return this.#count
  }

  /** 0 without latencies. */
  get meanMs(): number {
    return this.#sumMs / Math.max(1, this.#count)
  }

  add(latencyMs: number): void {
    const ms = latencyMs > 0 ? Math.min(latencyMs, MAX_MS) : 0
    this.#counts[bucketOf(ms)]!++
    this.#count++
    this.#sumMs += ms
    if (ms < this.#minMs) this.#minMs = ms
    if (ms > this.#maxMs) this.#maxMs = ms
  }

  /**
   * The q-quantile of the latencies (nearest rank).
   * @param q 0…1
   * @returns milliseconds; 0 without latencies
   */
  quantile(q: number): number {
    if (this.#count === 0) return 0
    let left = Math.max(1, Math.ceil(q * this.#count))
    let bucket = 0
    while ((left -= this.#counts[bucket]!) > 0) bucket++
    return Math.min(this.#maxMs, Math.max(this.#minMs, middleOf(bucket)))
  }

  clear(): void {
    this.#counts.fill(0)
    this.#count = 0
    this.#sumMs = 0
    this.#minMs = Infinity
    this.#maxMs = 0
  }
}

function bucketOf(ms: number): number {
  return ms > MIN_MS ? 1 + Math.floor(Math.log(ms / MIN_MS) * SCALE) : 0
}

function middleOf(bucket: number): number {
  return bucket === 0 ? MIN_MS : MIN_MS * GROWTH ** (bucket - 0.5)
}
