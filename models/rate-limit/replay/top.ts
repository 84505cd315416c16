/** The `size` items of highest value among any number that are offered; of equals the first stay. Constant memory. */
export class Top<T> {
  readonly #size: number
  readonly #entries: { value: number; item: T }[] = []

  constructor(size: number) {
    this.#size = size
  }

  /** Whether {@link add} would keep an item of this value: ask before making the item. */
  wants(value: number): boolean {
    return this.#entries.length < this.#size || value > (this.#entries.at(-1)?.value ?? Infinity)
  }

  add(value: number, item: T): void {
    if (!this.wants(value)) return
    let place = this.#entries.length
    while (place > 0 && this.#entries[place - 1]!.value < value) place--
    this.#entries.splice(place, 0, { value, item })
    if (this.#entries.length > this.#size) this.#entries.pop()
  }

  /** Highest first. */
  items(): T[] {
    return this.#entries.map(({ item }) => item)
  }
}
