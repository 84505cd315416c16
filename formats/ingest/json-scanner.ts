/** A text that is no JSON list. */
export class ListError extends Error {}

const QUOTE = 34
const COMMA = 44
const BACKSLASH = 92
const OPEN = new Set([91, 123])
const CLOSE = new Set([93, 125])

/**
 * Cuts JSON values out of a text that comes in pieces, without parsing them: the entries of one list, or values one
 * after the other with nothing or spaces between them. It looks at strings and brackets only, so what it hands on may
 * still be no JSON.
 *
 * Cost: constant for each character; of the text it keeps the unfinished value alone.
 */
export class JsonScanner {
  #text = ''
  /** Where the unfinished value begins, and where the scan goes on. */
  #start = 0
  #next = 0
  #depth = 0
  #inString = false
  #escaped = false
  #emitted = false
  #ended = false

  /** @param shape `list` for the entries of one list, `values` for values that follow each other */
  constructor(
    private readonly shape: 'list' | 'values',
    private readonly onValue: (text: string) => void,
  ) {}

  /** Length of the unfinished value. */
  get pending(): number {
    return this.#text.length - this.#start
  }

  /** @throws ListError when brackets do not match, or something follows the end of the list */
  push(piece: string): void {
    this.#text = this.#text.slice(this.#start) + piece
    this.#next -= this.#start
    this.#start = 0
    while (this.#next < this.#text.length) {
      const code = this.#text.charCodeAt(this.#next++)
      if (this.#inString) this.#stepInString(code)
      else this.#step(code)
    }
  }

  /** @throws ListError when the text ended in the middle */
  end(): void {
    const rest = this.#text.slice(this.#start).trim()
    if (this.shape === 'list' ? !this.#ended : rest !== '') throw new ListError('it ends in the middle')
  }

  #stepInString(code: number): void {
    if (this.#escaped) this.#escaped = false
    else if (code === BACKSLASH) this.#escaped = true
    else if (code === QUOTE) this.#inString = false
  }

  #step(code: number): void {
    if (code === QUOTE) this.#inString = true
    else if (OPEN.has(code)) this.#open()
    else if (CLOSE.has(code)) this.#close()
    else if (code === COMMA && this.#depth === 1 && this.shape === 'list') this.#emit()
    else if (this.#ended && code > 32) throw new ListError('something follows the end of the list')
  }

  #open(): void {
    if (this.#ended) throw new ListError('something follows the end of the list')
    if (this.#depth++ === 0) this.#start = this.shape === 'list' ? this.#next : this.#next - 1
  }

  #close(): void {
    this.#depth--
    if (this.#depth < 0) throw new ListError('it closes more than it opens')
    if (this.#depth > 0) return
    if (this.shape === 'values') return this.#emit(0)
    const isEmpty = !this.#emitted && this.#text.slice(this.#start, this.#next - 1).trim() === ''
    if (!isEmpty) this.#emit()
    this.#start = this.#next
    this.#ended = true
  }

  /** @param after characters of the text that do not belong to the value */
  #emit(after = 1): void {
    this.#emitted = true
    const value = this.#text.slice(this.#start, this.#next - after)
    this.#start = this.#next
    this.onValue(value)
  }
}
