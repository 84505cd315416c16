import { hashPath, type PathHashes } from '../../../models/traffic/path-hash.js'
import { writePathShape } from '../../../models/traffic/path-shape.js'
import type { KnownKeys } from './known-keys.js'

const SIGNATURE_BYTES = 11
/** PostgreSQL counts from 2000. */
const EPOCH_2000_MS = 946_684_800_000
/** No method has one. */
const SPACE = 32
const TWO_32 = 2 ** 32

/** timestamp timestamptz, status int, client text, tier text, method text, path text, whether it is a user boolean. */
const COLUMNS = 7

/**
 * Rows in the binary format of PostgreSQL's COPY, which may be cut anywhere: of all formats the one that costs the
 * server and the reader the least. What a row holds is good until the next one.
 */
export class CopiedRows {
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  #hasHeader = false
  #scratch = Buffer.alloc(4096)
  #requestEnd = 0
  readonly #starts = new Int32Array(COLUMNS)
  /** Where the values end; -1 for null. */
  readonly #ends = new Int32Array(COLUMNS)

  add(piece: Buffer): void {
    const rest = this.#bytes.subarray(this.#at)
    this.#bytes = rest.length === 0 ? piece : Buffer.concat([rest, piece])
    this.#at = 0
  }

  /** Goes to the next row; false when not all of it has come yet, and at the end. */
  next(): boolean {
    if (!this.#hasHeader && !this.#readHeader()) return false
    const bytes = this.#bytes
    let at = this.#at + 2
    if (at > bytes.length || bytes.readInt16BE(this.#at) < 0) return false
    for (let column = 0; column < COLUMNS; column++) {
      if (at + 4 > bytes.length) return false
      const length = int32(bytes, at)
      at += 4
      this.#starts[column] = at
      if (length >= 0) at += length
      this.#ends[column] = length < 0 ? -1 : at
    }
    if (at > bytes.length) return false
    this.#at = at
    return true
  }

  /** Whole milliseconds since 1970. */
  get timeMs(): number {
    const at = this.#starts[0]!
    const micros = int32(this.#bytes, at) * TWO_32 + (int32(this.#bytes, at + 4) >>> 0)
    return Math.floor(micros / 1000) + EPOCH_2000_MS
  }

  /** 0 where there is none. */
  get status(): number {
    return this.#ends[1] === -1 ? 0 : this.#bytes.readInt32BE(this.#starts[1])
  }

  /** The bytes of the client's name, a character each, as a key; empty where there is none. */
  get clientKey(): string {
    return this.#latin1(2)
  }

  /** The number that a cache has for the client; -1 for none. */
  knownClient(known: KnownKeys): number {
    return known.find(this.#bytes, this.#starts[2]!, this.#endOf(2))
  }

  rememberClient(known: KnownKeys, index: number): void {
    known.set(this.#bytes, this.#starts[2]!, this.#endOf(2), index)
  }

  get tierKey(): string {
    return this.#latin1(3)
  }

  /**
   * The number that a cache has for method and path; -1 for none.
   * @param isExact numbers in a path matter; else, paths of one shape are one
   */
  knownRequest(known: KnownKeys, isExact: boolean): number {
    this.#requestEnd = this.#writeRequest(isExact)
    return known.find(this.#scratch, 0, this.#requestEnd)
  }

  /** Of the request that was asked for last. */
  rememberRequest(known: KnownKeys, value: number): void {
    known.set(this.#scratch, 0, this.#requestEnd, value)
  }

  /** Into the scratch. */
  #writeRequest(isExact: boolean): number {
    const [method, path] = [this.#starts[4]!, this.#starts[5]!]
    const pathEnd = this.#endOf(5)
    if (this.#scratch.length < pathEnd - method) this.#scratch = Buffer.alloc(2 * (pathEnd - method))
    const scratch = this.#scratch
    let end = 0
    for (let at = method; at < this.#ends[4]!; at++) scratch[end++] = this.#bytes[at]!
    scratch[end++] = SPACE
    if (!isExact) return writePathShape(this.#bytes, path, pathEnd, scratch, end)
    for (let at = path; at < pathEnd; at++) scratch[end++] = this.#bytes[at]!
    return end
  }

  /** Whether the client is a user, not an address. */
  get isUser(): boolean {
    return this.#bytes[this.#starts[6]!] === 1
  }

  /** Writes the hashes of the path; those of an empty one where there is none. */
  hashPath(into: PathHashes): void {
    hashPath(this.#bytes, this.#starts[5]!, this.#endOf(5), into)
  }

  get client(): string {
    return this.#text(2)
  }

  get tier(): string {
    return this.#text(3)
  }

  /** Empty where there is none, as the path. */
  get method(): string {
    return this.#text(4)
  }

  get path(): string {
    return this.#text(5)
  }

  /** Of a value; its start, where it is null. */
  #endOf(column: number): number {
    return Math.max(this.#starts[column]!, this.#ends[column]!)
  }

  #latin1(column: number): string {
    const end = this.#ends[column]!
    return end < 0 ? '' : this.#bytes.toString('latin1', this.#starts[column], end)
  }

  #text(column: number): string {
    const end = this.#ends[column]!
    return end < 0 ? '' : this.#bytes.toString('utf8', this.#starts[column], end)
  }

  /** Signature, flags, and an extension after its length. */
  #readHeader(): boolean {
    const end = SIGNATURE_BYTES + 8
    if (this.#bytes.length < end) return false
    const length = end + this.#bytes.readInt32BE(SIGNATURE_BYTES + 4)
    if (this.#bytes.length < length) return false
    this.#at = length
    this.#hasHeader = true
    return true
  }
}

/** Big-endian; several times as fast as the method of Buffer, which looks at its arguments. */
function int32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}
