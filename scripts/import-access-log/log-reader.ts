import type { JsonNames } from '../../formats/access-log/json-fields.js'
import { LineSplitter, MAX_LINE_LENGTH } from '../../formats/access-log/line-splitter.js'
import { emptyEntry, type LineParser, type LogEntry } from '../../formats/access-log/log-entry.js'
import { createLineParser, detectFormat, type LogFormat } from '../../formats/access-log/log-format.js'

/** Receives the lines of a log. */
export interface EntryReceiver {
  /** The entry is valid until the call returns. @param line the line, one character per byte */
  accepted(entry: Readonly<LogEntry>, line: string): void
  /** @param lineNumber from 1 @param line the line, or at least its beginning */
  rejected(lineNumber: number, reason: string, line: string): void
}

export interface LogReaderOptions {
  /** undefined: detect it from the first lines */
  readonly format: LogFormat | undefined
  readonly names: JsonNames
}

/** Number of lines that the format is detected from. */
const SAMPLE = 100

const TOO_LONG = `longer than ${MAX_LINE_LENGTH.toLocaleString('en')} bytes`

const UTF8_MARK = '\xef\xbb\xbf'

/** Reads a log piece by piece. */
export class LogReader {
  readonly #splitter: LineSplitter
  readonly #receiver: EntryReceiver
  readonly #options: LogReaderOptions
  readonly #entry = emptyEntry()
  #parse: LineParser | undefined
  /** The first lines, which wait until the format is known. */
  readonly #sample: string[] = []
  #waiting: ((parse: LineParser) => void)[] = []
  /** Number of lines that are not empty. */
  lines = 0
  /** undefined until it is known. */
  format: LogFormat | undefined

  constructor(options: LogReaderOptions, receiver: EntryReceiver) {
    this.#options = options
    this.#receiver = receiver
    if (options.format !== undefined) this.#settle(options.format)
    this.#splitter = new LineSplitter({
      line: (text, isWhole) => this.#take(this.#splitter.lineNumber, text, isWhole),
      tooLong: (start) => {
        this.lines++
        const { lineNumber } = this.#splitter
        const reject = () => receiver.rejected(lineNumber, TOO_LONG, start)
        if (this.#waiting.length > 0) this.#waiting.push(reject)
        else reject()
      },
    })
  }

  push(piece: Buffer): void {
    this.#splitter.push(piece.toString('latin1'))
  }

  end(): void {
    this.#splitter.end()
    this.#decide()
  }

  #take(lineNumber: number, text: string, isWhole: boolean): void {
    this.lines++
    const line = this.lines === 1 && text.startsWith(UTF8_MARK) ? text.slice(UTF8_MARK.length) : text
    if (this.#parse !== undefined) {
      this.#read(this.#parse, lineNumber, line, isWhole)
      return
    }
    this.#sample.push(line)
    this.#waiting.push((parse) => this.#read(parse, lineNumber, line, isWhole))
    if (this.#waiting.length >= SAMPLE) this.#decide()
  }

  #decide(): void {
    if (this.#parse !== undefined || this.#waiting.length === 0) return
    const parse = this.#settle(detectFormat(this.#sample, this.#options.names))
    for (const read of this.#waiting) read(parse)
    this.#waiting = []
  }

  #settle(format: LogFormat): LineParser {
    this.format = format
    return (this.#parse = createLineParser(format, this.#options.names))
  }

  #read(parse: LineParser, lineNumber: number, line: string, isWhole: boolean): void {
    const reason = line.includes('\0') ? 'binary zeros' : parse(line, this.#entry)
    if (reason !== undefined) this.#receiver.rejected(lineNumber, reason, line)
    else if (this.#entry.isCut && !isWhole) this.#receiver.rejected(lineNumber, 'not yet whole', line)
    else this.#receiver.accepted(this.#entry, line)
  }
}
