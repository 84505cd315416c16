/** Longer keys are rare, and not worth their memory. */
const MAX_KEY_LENGTH = 300
const SLOTS = 1 << 16
/** Places in which a key may be. */
const WAYS = 8

/**
 * Numbers by the bytes of their keys: a cache of at most 65,536 of them that makes no objects where it finds one. Some
 * 20 MB at most; a new key may displace another.
 */
export class KnownKeys {
  readonly #hashes = new Int32Array(SLOTS)
  readonly #values = new Uint32Array(SLOTS)
  readonly #keys: (Uint8Array | undefined)[] = new Array<undefined>(SLOTS).fill(undefined)

  /** The number of a key; -1 when it is not known. */
  find(bytes: Uint8Array, start: number, end: number): number {
    const hash = hashOf(bytes, start, end)
    for (let way = 0; way < WAYS; way++) {
      const slot = (hash + way) & (SLOTS - 1)
      const key = this.#keys[slot]
      if (key === undefined) return -1
      if (this.#hashes[slot] === hash && isEqual(key, bytes, start, end)) return this.#values[slot]!
    }
    return -1
  }

  /** @param value a whole number from 0, below 2^32 */
  set(bytes: Uint8Array, start: number, end: number, value: number): void {
    if (end - start > MAX_KEY_LENGTH) return
    const hash = hashOf(bytes, start, end)
    let slot = (hash + ((hash >>> 16) % WAYS)) & (SLOTS - 1) // the one to displace
    for (let way = 0; way < WAYS; way++) {
      const place = (hash + way) & (SLOTS - 1)
      if (this.#keys[place] !== undefined) continue
      slot = place
      break
    }
    this.#hashes[slot] = hash
    this.#values[slot] = value
    this.#keys[slot] = new Uint8Array(bytes.subarray(start, end)) // a copy; slice of a Buffer is none
  }
}

/** MurmurHash3, 32 bits (Appleby 2011); what is left of the last four bytes counts byte by byte. */
function hashOf(bytes: Uint8Array, start: number, end: number): number {
  let hash = end - start
  let i = start
  for (; i + 4 <= end; i += 4) {
    hash = mixed(hash, bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
  }
  for (; i < end; i++) hash = mixed(hash, bytes[i]!)
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  return hash ^ (hash >>> 13)
}

function mixed(hash: number, word: number): number {
  const scrambled = Math.imul(word, 0xcc9e2d51)
  const next = hash ^ Math.imul((scrambled << 15) | (scrambled >>> 17), 0x1b873593)
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0
}

function isEqual(key: Uint8Array, bytes: Uint8Array, start: number, end: number): boolean {
  const { length } = key
  if (length !== end - start) return false
  for (let i = 0; i < length; i++) if (key[i] !== bytes[start + i]) return false
  return true
}
