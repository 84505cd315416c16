/** Longer keys are rare, and not worth their memory. */
const LONGEST_KEY = 300

/** Results by key, forgotten all at once when there are too many. */
export class Remembered<V> {
  readonly #most: number
  readonly #values = new Map<string, V>()

  constructor(most: number) {
    this.#most = most
  }

  get(key: string): V | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: V): V {
    if (key.length > LONGEST_KEY) return value
    if (this.#values.size >= this.#most) this.#values.clear()
    this.#values.set(key, value)
    return value
  }
}
