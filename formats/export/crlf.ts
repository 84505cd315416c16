const QUOTE = 0x22
const LF = 0x0a
const CR = 0x0d

/**
 * Ends the lines of CSV with CR LF, as RFC 4180 has it, where they end with LF; line breaks within quotes belong to
 * the data and stay. Takes the text in pieces of any size.
 */
export class CrlfLines {
  #quoted = false
  #lines = 0

  /** How many lines have ended so far. */
  get lines(): number {
    return this.#lines
  }

  /** @returns the same piece with the line ends changed */
  convert(piece: Uint8Array): Uint8Array {
    const result = new Uint8Array(piece.length * 2)
    let length = 0
    for (const byte of piece) {
      if (byte === QUOTE) this.#quoted = !this.#quoted
      else if (byte === LF && !this.#quoted) {
        result[length++] = CR
        this.#lines++
      }
      result[length++] = byte
    }
    return result.subarray(0, length)
  }
}
