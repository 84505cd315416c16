/** Requests that wait, and characters of their lines. */
const MAX_WAITING = 200_000
const MAX_CHARACTERS = 64 << 20

interface Waiting<T> {
  readonly value: T
  readonly timeMs: number
  /** The place in the log, which decides between equal times. */
  readonly order: number
  readonly size: number
}

/**
 * Passes on what it is given in the order of time. It holds the newest ones back, in a heap that has an end: what is dated
 * further back comes late.
 */
export class TimeOrder<T extends { readonly timeMs: number }> {
  readonly #receive: (value: T) => void
  readonly #maxWaiting: number
  readonly #maxCharacters: number
  /** A binary heap: each comes before the two at 2i + 1 and 2i + 2. */
  readonly #heap: Waiting<T>[] = []
  #characters = 0
  #order = 0

  constructor(receive: (value: T) => void, maxWaiting = MAX_WAITING, maxCharacters = MAX_CHARACTERS) {
    this.#receive = receive
    this.#maxWaiting = maxWaiting
    this.#maxCharacters = maxCharacters
  }

  /** @param size characters of its line */
  push(value: T, size: number): void {
    this.#characters += size
    this.#rise({ value, timeMs: value.timeMs, order: this.#order++, size })
    while (this.#heap.length > this.#maxWaiting || this.#characters > this.#maxCharacters) this.#release()
  }

  /** Passes on all that wait. */
  end(): void {
    while (this.#heap.length > 0) this.#release()
  }

  #rise(added: Waiting<T>): void {
    let at = this.#heap.length
    while (at > 0) {
      const above = (at - 1) >> 1
      if (!isBefore(added, this.#heap[above]!)) break
      this.#heap[at] = this.#heap[above]!
      at = above
    }
    this.#heap[at] = added
  }

  #release(): void {
    const first = this.#heap[0]!
    const last = this.#heap.pop()!
    if (this.#heap.length > 0) this.#sink(last)
    this.#characters -= first.size
    this.#receive(first.value)
  }

  #sink(moved: Waiting<T>): void {
    const { length } = this.#heap
    let at = 0
    for (let below = 1; below < length; below = 2 * at + 1) {
      if (below + 1 < length && isBefore(this.#heap[below + 1]!, this.#heap[below]!)) below++
      if (!isBefore(this.#heap[below]!, moved)) break
      this.#heap[at] = this.#heap[below]!
      at = below
    }
    this.#heap[at] = moved
  }
}

function isBefore(a: Waiting<unknown>, b: Waiting<unknown>): boolean {
  return a.timeMs < b.timeMs || (a.timeMs === b.timeMs && a.order < b.order)
}
