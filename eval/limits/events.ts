/** The kind of client that sent a request. */
export const LEGITIMATE = 0
export const FLOOD = 1
export const SCRAPER = 2
export const SCAN = 3
export type Kind = typeof LEGITIMATE | typeof FLOOD | typeof SCRAPER | typeof SCAN

/** Requests in order of time. */
export interface Requests {
  readonly timeMs: Float64Array
  readonly client: Uint32Array
  readonly kind: Uint8Array
}

/** A code holds client and kind, a key the time from the start and a code: 2^20 clients, 2^31 ms and exact. */
const KINDS = 4
const CODES = 2 ** 22

/** Collects requests in any order and returns them in order of time. Plain numbers sort fast. */
export class Events {
  readonly #startMs: number
  #keys = new Float64Array(1 << 16)
  #length = 0

  constructor(startMs: number) {
    this.#startMs = startMs
  }

  add(timeMs: number, client: number, kind: Kind): void {
    if (this.#length === this.#keys.length) {
      const keys = new Float64Array(2 * this.#length)
      keys.set(this.#keys)
      this.#keys = keys
    }
    this.#keys[this.#length++] = (Math.floor(timeMs) - this.#startMs) * CODES + client * KINDS + kind
  }

  sorted(): Requests {
    const keys = this.#keys.slice(0, this.#length).sort()
    const codes = Uint32Array.from(keys, (key) => key % CODES)
    return {
      timeMs: keys.map((key) => this.#startMs + Math.floor(key / CODES)),
      client: codes.map((code) => Math.floor(code / KINDS)),
      kind: Uint8Array.from(codes, (code) => code % KINDS),
    }
  }
}
