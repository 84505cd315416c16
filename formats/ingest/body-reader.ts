import { JsonScanner, ListError } from './json-scanner.js'

/** Where in a body an entry is. */
export interface Place {
  readonly kind: 'line' | 'entry' | 'document'
  /** Of a line from 1, of an entry of a list from 0. */
  readonly number: number
}

interface BodyEvents {
  /** An entry of the body as text: a line, an entry of the list that the body is, or one of several values. */
  onEntry(text: string, place: Place): void
  /** The body is this one value. */
  onDocument(value: unknown): void
  /** The body is no JSON. @param error what the parser threw, of a document */
  onBroken(text: string, error?: unknown): void
}

/** A body that needs more memory than it may have: one entry or one document is too long. */
export class TooLongError extends Error {}

/** Characters. */
const MAX_ENTRY = 1 << 20
const MAX_DOCUMENT = 8 << 20

/**
 * Takes a body apart as it arrives: NDJSON, a JSON list, values that follow each other, or one JSON document. What it
 * is, is told by its beginning and not by its content type, because log shippers send NDJSON as JSON or as text.
 * Only a document and the entry at hand are kept.
 */
export class BodyReader {
  #shape: 'unknown' | 'lines' | 'list' | 'document'
  #text = ''
  /** While the shape is unknown: whether there is more than blanks, and whether the first line is whole. */
  #hasBegun = false
  #hasLine = false
  #line = 1
  #entry = 0
  #scanner: JsonScanner | undefined

  /** @param isNdjson the content type says so */
  constructor(
    private readonly events: BodyEvents,
    isNdjson: boolean,
  ) {
    this.#shape = isNdjson ? 'lines' : 'unknown'
  }

  /** Whether all of the body is kept, and parsed at its end. */
  get isDocument(): boolean {
    return this.#shape === 'document' || this.#shape === 'unknown'
  }

  /** @throws TooLongError */
  push(piece: string): void {
    if (this.#shape === 'unknown') piece = this.#recognize(piece)
    if (this.#shape === 'list') this.#scan(piece)
    else if (this.#shape === 'lines') this.#readLines(piece)
    else {
      this.#text += piece
      if (this.#shape === 'document' && this.#text.length > MAX_DOCUMENT) throw new TooLongError('document')
    }
  }

  end(): void {
    if (this.#shape === 'lines') this.#readLine(this.#text)
    else if (this.#shape === 'list') this.#endList()
    else this.#readDocument()
  }

  /** @returns what is to be read in the shape that is known now; the piece alone while it is not */
  #recognize(piece: string): string {
    if (this.#text.length + piece.length > MAX_DOCUMENT) throw new TooLongError('document')
    if (!this.#hasBegun) {
      const first = piece.trimStart()[0]
      if (first === undefined) return piece
      this.#hasBegun = true
      if (first === '[') {
        this.#scanner = new JsonScanner('list', (entry) => this.#emit(entry))
        return this.#readAs('list', piece)
      }
    }
    let rest = piece
    if (!this.#hasLine) {
      if (!piece.includes('\n')) return piece
      const text = this.#text + piece
      const start = text.length - text.trimStart().length
      const end = text.indexOf('\n', start)
      if (end < 0) return piece
      if (end - start > MAX_ENTRY || !isJson(text.slice(start, end))) return this.#readAs('document', piece)
      this.#hasLine = true
      rest = text.slice(end)
    }
    return rest.trim() === '' ? piece : this.#readAs('lines', piece)
  }

  #readAs(shape: 'lines' | 'list' | 'document', piece: string): string {
    const text = this.#text + piece
    this.#shape = shape
    this.#text = ''
    return text
  }

  #scan(piece: string): void {
    try {
      this.#scanner!.push(piece)
    } catch (error) {
      if (!(error instanceof ListError)) throw error
      this.events.onBroken(`the list: ${error.message}`)
    }
    if (this.#scanner!.pending > MAX_ENTRY) throw new TooLongError('entry')
  }

  #endList(): void {
    try {
      this.#scanner!.end()
    } catch (error) {
      if (!(error instanceof ListError)) throw error
      this.events.onBroken(`the list: ${error.message}`)
    }
  }

  #emit(text: string): void {
    this.events.onEntry(text, { kind: 'entry', number: this.#entry++ })
  }

  #readLines(piece: string): void {
    let start = 0
    for (let end = piece.indexOf('\n'); end >= 0; end = piece.indexOf('\n', start)) {
      const line = piece.slice(start, end)
      this.#readLine(this.#text === '' ? line : this.#text + line)
      this.#text = ''
      start = end + 1
    }
    this.#text += piece.slice(start)
    if (this.#text.length > MAX_ENTRY) throw new TooLongError('entry')
  }

  #readLine(line: string): void {
    const number = this.#line++
    if (!isBlank(line)) this.events.onEntry(line, { kind: 'line', number })
  }

  /** One document, or values without a separator. */
  #readDocument(): void {
    const text = this.#text
    if (text.trim() === '') return this.events.onDocument(undefined)
    let problem: SyntaxError
    try {
      return this.events.onDocument(JSON.parse(text))
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error
      problem = error
    }
    const values = valuesOf(text)
    if (values === undefined) return this.events.onBroken(text, problem)
    for (const value of values) this.#emit(value)
  }
}

function isBlank(line: string): boolean {
  return line.length < 1000 && line.trim() === ''
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** The values of a text, if it has several. */
function valuesOf(text: string): string[] | undefined {
  const values: string[] = []
  try {
    const scanner = new JsonScanner('values', (value) => values.push(value))
    scanner.push(text)
    scanner.end()
  } catch (error) {
    if (error instanceof ListError) return undefined
    throw error
  }
  return values.length > 1 ? values : undefined
}
