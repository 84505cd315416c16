/** Counts the requests of each second; seconds come in order. Memory grows with the number of distinct counts. */
export class SecondCounts {
  /** Seconds by their number of requests. */
  readonly #seconds = new Map<number, number>()
  #second = NaN
  #count = 0

  add(second: number): void {
    if (second === this.#second) {
      this.#count++
      return
    }
    this.#end()
    this.#second = second
    this.#count = 1
  }

  /** The p-quantile (type 7) and the maximum over the seconds with requests; zeros without any. Call it once, at the end. */
  summary(p: number): { quantile: number; highest: number } {
    this.#end()
    this.#second = NaN
    const counts = [...this.#seconds].sort(([a], [b]) => a - b)
    const n = counts.reduce((sum, [, seconds]) => sum + seconds, 0)
    if (n === 0) return { quantile: 0, highest: 0 }
    const position = (n - 1) * p
    const below = Math.floor(position)
    const lower = at(counts, below)
    const upper = at(counts, Math.min(below + 1, n - 1))
    return { quantile: lower + (upper - lower) * (position - below), highest: counts.at(-1)![0] }
  }

  #end(): void {
    if (this.#count > 0) this.#seconds.set(this.#count, (this.#seconds.get(this.#count) ?? 0) + 1)
    this.#count = 0
  }
}

function at(counts: readonly (readonly [number, number])[], place: number): number {
  let passed = 0
  for (const [count, seconds] of counts) {
    passed += seconds
    if (place < passed) return count
  }
  return counts.at(-1)![0]
}
