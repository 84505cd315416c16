const COPY_DATA = 100 // d
const HEADER = 5

/**
 * Joins the messages of a COPY to the client. PostgreSQL sends a message for each row, and the driver makes three
 * objects of each; what it hands on need not be parted by rows. One message for all that has come at once costs a
 * fraction. The other messages pass as they are.
 */
export class CopyDataJoiner {
  /** Of a header that has not come as a whole. */
  readonly #header = Buffer.alloc(HEADER)
  #headerLength = 0
  /** Bytes of the present message that are still to come. */
  #left = 0
  #isCopyData = false

  /** @param bytes the next ones of the server; the first begin with a message */
  pass(bytes: Buffer): Buffer {
    // Each message is moved to the left; a header before the first byte has room.
    const room = 2 * HEADER
    const out = Buffer.allocUnsafe(bytes.length + room)
    out.set(bytes, room)
    const total = out.length
    let at = room
    let end = 0
    let joined = -1 // where the joined message begins
    while (at < total) {
      if (this.#left === 0) {
        if (this.#headerLength > 0 || total - at < HEADER) {
          this.#header[this.#headerLength++] = out[at++]!
          if (this.#headerLength < HEADER) continue
          this.#begin(this.#header, 0)
        } else {
          this.#begin(out, at)
          at += HEADER
        }
        if (this.#isCopyData) continue
        end = close(out, joined, end)
        joined = -1
        end = writeHeader(out, end, this.#type, this.#left)
        continue
      }
      if (this.#isCopyData && joined < 0) {
        joined = end
        end += HEADER
      }
      const length = Math.min(this.#left, total - at)
      out.copyWithin(end, at, at + length)
      end += length
      at += length
      this.#left -= length
    }
    return out.subarray(0, close(out, joined, end))
  }

  #type = 0

  #begin(bytes: Buffer, at: number): void {
    this.#headerLength = 0
    this.#type = bytes[at]!
    this.#isCopyData = this.#type === COPY_DATA
    this.#left = bytes.readUInt32BE(at + 1) - 4
  }
}

function close(out: Buffer, joined: number, end: number): number {
  if (joined >= 0) writeHeader(out, joined, COPY_DATA, end - joined - HEADER)
  return end
}

function writeHeader(out: Buffer, at: number, type: number, length: number): number {
  out[at] = type
  out.writeUInt32BE(length + 4, at + 1)
  return at + HEADER
}
