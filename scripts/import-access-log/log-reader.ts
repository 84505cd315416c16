import type { ClientRule } from '../../formats/access-log/client-rule.js'
import { LineSplitter, MAX_LINE_LENGTH } from '../../formats/access-log/line-splitter.js'
import { emptyEntry, NO_REQUEST, type LineParser, type LogEntry } from '../../formats/access-log/log-entry.js'
import { detectFormat, type FormatChoice, type LogFormat } from '../../formats/access-log/log-format.js'
import { createUnwrapper, type Bare } from '../../formats/access-log/wrappers.js'

/** Receives the lines of a log. */
export interface EntryReceiver {
  /** The entry is valid until the call returns. @param line the line, one character per byte */
  accepted(entry: Readonly<LogEntry>, line: string): void
  /** @param lineNumber from 1 @param line the line, or at least its beginning */
  rejected(lineNumber: number, reason: string, line: string): void
  /** @param doubt what may have been read wrongly */
  doubted(doubt: string, line: string): void
}

export interface LogReaderOptions extends FormatChoice {
  readonly client: ClientRule
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
  /** undefined for a log without wrappers. */
  #unwrap: ((line: string) => Bare | null) | undefined
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
    const format = detectFormat(this.#sample, this.#options)
    this.format = format
    this.#unwrap = format.wrappers.length > 0 ? createUnwrapper(format.wrappers) : undefined
    const doubt = (text: string, line: string) => this.#receiver.doubted(text, line)
    this.#parse = format.createParser({ client: this.#options.client, doubt })
    for (const read of this.#waiting) read(this.#parse)
    this.#waiting = []
  }

  #read(parse: LineParser, lineNumber: number, line: string, isWhole: boolean): void {
    const bare = this.#unwrap?.(line)
    if (bare === null) return // a piece of a line that goes on
    const text = bare?.text ?? line
    const reason = line.includes('\0') ? 'binary zeros' : parse(text, this.#entry, bare?.timeMs)
    if (reason === NO_REQUEST) return
    if (reason !== undefined) this.#receiver.rejected(lineNumber, reason, line)
    else if (this.#entry.isCut && !isWhole) this.#receiver.rejected(lineNumber, 'not yet whole', line)
    else this.#receiver.accepted(this.#entry, line)
  }
}
