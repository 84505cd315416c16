/**
 * A histogram of latencies that can be merged: buckets that grow by a factor, so that every quantile has the same
 * relative error whatever its size. DDSketch (Masson, Rim and Lee 2019, "DDSketch: A Fast and Fully-Mergeable
 * Quantile Sketch with Relative-Error Guarantees", §2), unbounded, with a bucket of its own for zero.
 *
 * Bucket i holds the values in (γ^(i−1), γ^i] and answers 2γ^i / (γ + 1) for each, which is off by at most
 * (γ − 1) / (γ + 1) = 0.99 %.
 */
const GAMMA = 1.02

/** ln γ: a value v above zero falls into bucket ⌈ln v / ln γ⌉, in SQL too. */
export const LN_GAMMA = Math.log(GAMMA)

/** The largest relative error of a quantile. */
export const RELATIVE_ERROR = (GAMMA - 1) / (GAMMA + 1)

/** Smaller latencies count as zero. */
export const MIN_LATENCY_MS = 1e-280

/** The bucket of zero: a 16-bit integer below all others. */
export const ZERO_BUCKET = -32768

/** Bytes of a bucket when encoded: its number and its count, as big-endian int16 and uint32. */
const ENTRY_BYTES = 6

/** The bucket of a latency in ms, 0…1e280. */
function latencyBucket(latency: number): number {
  return latency < MIN_LATENCY_MS ? ZERO_BUCKET : Math.ceil(Math.log(latency) / LN_GAMMA)
}

export class LatencyHistogram {
  readonly #counts = new Map<number, number>()
  #total = 0

  /** Number of latencies. */
  get total(): number {
    return this.#total
  }

  /**
   * @param latency ms, 0…1e280
   * @throws RangeError when it is negative, larger, or not a number
   */
  add(latency: number): this {
    if (!(latency >= 0 && latency <= 1e280)) throw new RangeError(`${latency} is no latency.`)
    return this.#count(latencyBucket(latency), 1)
  }

  merge(other: LatencyHistogram): this {
    for (const [bucket, count] of other.#counts) this.#count(bucket, count)
    return this
  }

  /**
   * The p-quantile of what was added and merged, interpolated as percentile_cont and {@link quantile} do (type 7);
   * null when empty. At most {@link RELATIVE_ERROR} off. O(b log b) for b buckets in use.
   *
   * @param p 0…1
   */
  quantile(p: number): number | null {
    if (this.#total === 0) return null
    const position = (this.#total - 1) * p
    const below = Math.floor(position)
    const lower = this.#valueAt(below)
    const upper = this.#valueAt(Math.min(below + 1, this.#total - 1))
    return lower + (upper - lower) * (position - below)
  }

  /** The buckets in ascending order, 6 bytes each: number (int16) and count (uint32), big-endian. */
  encode(): Uint8Array {
    const buckets = this.#sorted()
    const bytes = new Uint8Array(buckets.length * ENTRY_BYTES)
    const view = new DataView(bytes.buffer)
    buckets.forEach(([bucket, count], i) => {
      view.setInt16(i * ENTRY_BYTES, bucket)
      view.setUint32(i * ENTRY_BYTES + 2, count)
    })
    return bytes
  }

  /**
   * Of one encoded histogram or of several, one after the other, which are merged.
   * @throws RangeError when the length is not that of whole buckets
   */
  static decode(bytes: Uint8Array): LatencyHistogram {
    if (bytes.length % ENTRY_BYTES !== 0) throw new RangeError('This is no encoded histogram.')
    const histogram = new LatencyHistogram()
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    for (let offset = 0; offset < bytes.length; offset += ENTRY_BYTES) {
      histogram.#count(view.getInt16(offset), view.getUint32(offset + 2))
    }
    return histogram
  }

  #count(bucket: number, count: number): this {
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count)
    this.#total += count
    return this
  }

  #sorted(): [bucket: number, count: number][] {
    return [...this.#counts].sort(([a], [b]) => a - b)
  }

  /** The value of a rank, 0 being the lowest. */
  #valueAt(rank: number): number {
    let seen = 0
    for (const [bucket, count] of this.#sorted()) {
      seen += count
      if (rank < seen) return bucket === ZERO_BUCKET ? 0 : (2 * GAMMA ** bucket) / (GAMMA + 1)
    }
    throw new RangeError(`There is no rank ${rank}.`)
  }
}
