const HEADER = 5
const NOTHING = Buffer.alloc(0)

/** Cuts what PostgreSQL sends between its messages: the beginning of one waits for the rest of it. */
export class WholeMessages {
  #parts: Buffer[] = []
  /** Bytes until the message that waits is whole, or its header. */
  #missing = 0

  /** @param bytes the next ones of the server; the first begin with a message */
  pass(bytes: Buffer): Buffer {
    if (this.#parts.length > 0) {
      this.#parts.push(bytes)
      this.#missing -= bytes.length
      if (this.#missing > 0) return NOTHING
      bytes = this.rest()
    }
    let end = 0
    for (;;) {
      const next = bytes.length - end < HEADER ? end + HEADER : end + 1 + bytes.readUInt32BE(end + 1)
      if (next > bytes.length) {
        this.#missing = next - bytes.length
        if (end < bytes.length) this.#parts = [bytes.subarray(end)]
        return bytes.subarray(0, end)
      }
      end = next
    }
  }

  /** What waits. */
  rest(): Buffer {
    return Buffer.concat(this.#parts.splice(0))
  }
}
