/** Longer keys are rare, and not worth their memory. */
const MAX_KEY_LENGTH = 300

/** Results by key, forgotten all at once when there are too many. */
export class Remembered<V> {
  readonly #max: number
  readonly #values = new Map<string, V>()

  constructor(max: number) {
    this.#max = max
  }

  get(key: string): V | undefined {
    return this.#values.get(key)
  }

  set(key: string, value: V): V {
    if (key.length > MAX_KEY_LENGTH) return value
    if (this.#values.size >= this.#max) this.#values.clear()
    this.#values.set(key, value)
    return value
  }
}
