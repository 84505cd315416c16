/** What becomes of the lines; each has a character for every byte. */
interface LineReceiver {
  /** @param isWhole the line had an end, and is not just where the file stops */
  line(text: string, isWhole: boolean): void
  /** A line longer than it may be. @param start how it begins */
  tooLong(start: string): void
}

/** A line may be so long, in bytes. */
export const MAX_LINE_LENGTH = 65_536
/** What is kept of a longer one. */
const KEPT = 2048

/**
 * Cuts bytes into lines at LF; a CR before it belongs to the end, and lines with nothing in them are left out. Of a
 * line that is too long no more than {@link MAX_LINE_LENGTH} bytes and a piece are ever held. Linear in the bytes.
 */
export class LineSplitter {
  readonly #receiver: LineReceiver
  /** The beginning of a line whose end has not come yet. */
  #begun = ''
  #isTooLong = false
  /** Lines seen so far, empty ones included: the number of the line that was handed out last. */
  lineNumber = 0

  constructor(receiver: LineReceiver) {
    this.#receiver = receiver
  }

  /** @param piece one character for each byte */
  push(piece: string): void {
    let start = 0
    for (;;) {
      const end = piece.indexOf('\n', start)
      if (end < 0) break
      this.lineNumber++
      if (this.#begun === '' && !this.#isTooLong) this.#finish(piece.slice(start, end), true)
      else this.#finish(this.#begun + piece.slice(start, end), true)
      start = end + 1
    }
    this.#keep(start === 0 ? piece : piece.slice(start))
  }

  /** The bytes are over. */
  end(): void {
    if (this.#begun === '') return
    this.lineNumber++
    this.#finish(this.#begun, false)
  }

  #keep(rest: string): void {
    if (this.#isTooLong) return
    this.#begun += rest
    if (this.#begun.length <= MAX_LINE_LENGTH) return
    this.#isTooLong = true
    this.#begun = this.#begun.slice(0, KEPT)
  }

  #finish(text: string, isWhole: boolean): void {
    const isTooLong = this.#isTooLong || text.length > MAX_LINE_LENGTH
    this.#begun = ''
    this.#isTooLong = false
    if (isTooLong) {
      this.#receiver.tooLong(text.slice(0, KEPT))
      return
    }
    const line = text.charCodeAt(text.length - 1) === 13 ? text.slice(0, -1) : text
    if (line !== '') this.#receiver.line(line, isWhole)
  }
}
