/** A JSON text that has more of something than is allowed. The message says of what, and what is allowed. */
export class JsonBoundsError extends Error {}

/** OpenAPI documents, the deepest bodies, have about thirty levels. */
const MAX_DEPTH = 64

/** Fifty for each row of the longest batch. */
const MAX_VALUES = 500_000

/** Keys of one object. */
const MAX_KEYS = 5_000

/** Bytes of a key, with its escapes. */
const MAX_KEY_BYTES = 1_000

const QUOTE = 0x22
const COMMA = 0x2c
const COLON = 0x3a
const BACKSLASH = 0x5c
const OPEN_LIST = 0x5b
const CLOSE_LIST = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/**
 * Checks JSON while it arrives, before it is parsed: nested or wide JSON is cheap to send and expensive to parse. It
 * only counts. Whether the text is JSON, the parser says. Linear in the bytes, with fixed memory.
 *
 * @throws JsonBoundsError by `push`, at the first byte that is too much
 */
export class JsonBounds {
  /** Objects so far. */
  objects = 0
  /** Objects, lists and commas so far: about the number of values. */
  values = 0
  #depth = 0
  /** Keys of the object at each depth. */
  readonly #keys = new Uint32Array(MAX_DEPTH + 1)
  #inText = false
  #isEscaped = false
  /** Bytes of the present or the last text. */
  #textBytes = 0

  /** @param maxValues in all of the text */
  constructor(private readonly maxValues = MAX_VALUES) {}

  push(bytes: Readonly<Uint8Array>): void {
    let i = this.#inText ? this.#readText(bytes, 0) + 1 : 0
    for (; i < bytes.length; i++) {
      const byte = bytes[i]!
      if (byte === QUOTE) {
        this.#inText = true
        this.#textBytes = 0
        i = this.#readText(bytes, i + 1)
      } else if (byte === COMMA) {
        this.#countValue()
      } else if (byte === COLON) {
        this.#countKey()
      } else if (byte === OPEN_OBJECT || byte === OPEN_LIST) {
        if (byte === OPEN_OBJECT) this.objects++
        this.#open()
      } else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        if (this.#depth > 0) this.#depth--
      }
    }
  }

  /** @returns the index of the closing quote, or the length */
  #readText(bytes: Readonly<Uint8Array>, start: number): number {
    let isEscaped = this.#isEscaped
    let i = start
    for (; i < bytes.length; i++) {
      const byte = bytes[i]!
      if (isEscaped) isEscaped = false
      else if (byte === BACKSLASH) isEscaped = true
      else if (byte === QUOTE) break
    }
    this.#inText = i === bytes.length
    this.#isEscaped = isEscaped
    this.#textBytes += i - start
    return i
  }

  #open(): void {
    this.#countValue()
    if (++this.#depth > MAX_DEPTH) throw new JsonBoundsError(`is nested more than ${MAX_DEPTH} levels deep`)
    this.#keys[this.#depth] = 0
  }

  #countValue(): void {
    if (++this.values > this.maxValues) throw new JsonBoundsError(`has more than ${this.maxValues} values`)
  }

  #countKey(): void {
    if (this.#textBytes > MAX_KEY_BYTES) {
      throw new JsonBoundsError(`has the name of a field with more than ${MAX_KEY_BYTES} bytes`)
    }
    if (++this.#keys[this.#depth]! > MAX_KEYS) {
      throw new JsonBoundsError(`has an object with more than ${MAX_KEYS} fields`)
    }
  }
}
