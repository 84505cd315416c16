import { DAY_MS } from './durations.js'

/** A value of a position, and when it had requests. */
export interface NotedValue {
  readonly value: string
  /** Successes, halved from week to week, less what was given up for other values: never too high. */
  readonly weight: number
  readonly firstMs: number
  readonly lastMs: number
}

/** What is stored of the values of a position. */
export interface NotedValues {
  readonly values: readonly NotedValue[]
  /** The successes of all values, halved from week to week. */
  readonly total: number
  readonly halvedMs: number
}

/** So many values are told apart. */
const MAX_NOTED = 256
const HALF_LIFE_MS = 7 * DAY_MS

/** Busy values are those of endpoints of their own. */
const MIN_BUSY_SUCCESSES = 20
const MIN_BUSY_SHARE = 1 / 200

/**
 * The values that a learned position has had, in bounded memory: the summary of Misra and Gries, as in
 * {@link EndpointCandidates}. It tells which values are busy, and whether there still are many of them.
 */
export class PositionValues {
  readonly #values: Map<string, NotedValue>
  #total: number
  #halvedMs: number

  constructor({ values, total, halvedMs }: NotedValues = { values: [], total: 0, halvedMs: -Infinity }) {
    this.#values = new Map(values.map((each) => [each.value, each]))
    this.#total = total
    this.#halvedMs = halvedMs
  }

  get noted(): NotedValues {
    return { values: [...this.#values.values()], total: this.#total, halvedMs: this.#halvedMs }
  }

  /** @param successes of the value from `firstMs` to `lastMs`; zero where they were noted before */
  note(value: string, successes: number, firstMs: number, lastMs: number): void {
    this.#halve(lastMs)
    const known = this.#values.get(value)
    this.#total += successes
    this.#values.set(value, {
      value,
      weight: (known?.weight ?? 0) + successes,
      firstMs: Math.min(known?.firstMs ?? Infinity, firstMs),
      lastMs: Math.max(known?.lastMs ?? -Infinity, lastMs),
    })
    if (this.#values.size > 2 * MAX_NOTED) this.cut()
  }

  /** Brings it within its bound. */
  cut(): void {
    if (this.#values.size <= MAX_NOTED) return
    const sorted = [...this.#values.values()].sort(heaviestFirst)
    const given = sorted[MAX_NOTED]!.weight
    this.#values.clear()
    for (const each of sorted.slice(0, MAX_NOTED)) {
      this.#values.set(each.value, { ...each, weight: Math.max(0, each.weight - given) })
    }
  }

  /** Values with traffic of their own. */
  busy(): NotedValue[] {
    const min = Math.max(MIN_BUSY_SUCCESSES, MIN_BUSY_SHARE * this.#total)
    return [...this.#values.values()].filter(({ weight }) => weight >= min).sort(heaviestFirst)
  }

  remove(value: string): void {
    this.#total -= this.#values.get(value)?.weight ?? 0
    this.#values.delete(value)
  }

  /** How many different values were seen since, as far as they are told apart. */
  seenSince(timeMs: number): number {
    let count = 0
    for (const { lastMs } of this.#values.values()) if (lastMs >= timeMs) count++
    return count
  }

  #halve(nowMs: number): void {
    if (this.#halvedMs === -Infinity) this.#halvedMs = nowMs
    const weeks = Math.floor((nowMs - this.#halvedMs) / HALF_LIFE_MS)
    if (weeks <= 0) return
    this.#halvedMs += weeks * HALF_LIFE_MS
    this.#total /= 2 ** weeks
    for (const each of this.#values.values()) {
      this.#values.set(each.value, { ...each, weight: each.weight / 2 ** weeks })
    }
  }
}

function heaviestFirst(a: NotedValue, b: NotedValue): number {
  return b.weight - a.weight || b.lastMs - a.lastMs || (a.value < b.value ? -1 : 1)
}
