const OFFSET = 0x811c9dc5
const PRIME = 0x01000193
const QUESTION_MARK = 63
const HASH = 35

/** Hashes of a raw path, 32 bits each, well mixed. */
export interface PathHashes {
  /** Of the path without its query string. */
  path: number
  /** Of the path with it. */
  target: number
}

/**
 * Hashes a raw path in bytes (FNV-1a, with the last step of MurmurHash3). Linear in the path; the result is written
 * into `into`, so nothing is made.
 */
export function hashPath(bytes: Readonly<Uint8Array>, start: number, end: number, into: PathHashes): void {
  let hash = OFFSET
  let at = start
  for (; at < end; at++) {
    const byte = bytes[at]!
    if (byte === QUESTION_MARK || byte === HASH) break
    hash = Math.imul(hash ^ byte, PRIME)
  }
  into.path = mixed(hash)
  for (; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, PRIME)
  into.target = mixed(hash)
}

function mixed(hash: number): number {
  let h = hash ^ (hash >>> 16)
  h = Math.imul(h, 0x85ebca6b)
  h ^= h >>> 13
  h = Math.imul(h, 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}
