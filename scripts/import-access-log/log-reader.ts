import type { ClientRule } from '../../formats/access-log/client-rule.js'
import { LineSplitter, MAX_LINE_LENGTH } from '../../formats/access-log/line-splitter.js'
import { emptyEntry, NO_REQUEST, type LogEntry } from '../../formats/access-log/log-entry.js'
import type { FormatChoice, LogFormat } from '../../formats/access-log/log-format.js'
import { LineFormats, PIECE } from './line-formats.js'

/** Receives the lines of a log. */
export interface EntryReceiver {
  /**
   * The entry is valid until the call returns.
   * @param line the line, one character per byte
   * @param format the name of its format
   */
  accepted(entry: Readonly<LogEntry>, line: string, format: string): void
  /** @param lineNumber from 1 @param line the line, or at least its beginning */
  rejected(lineNumber: number, reason: string, line: string): void
  /** @param doubt what may have been read wrongly */
  doubted(doubt: string, line: string): void
}

export interface LogReaderOptions extends FormatChoice {
  readonly client: ClientRule
  /** IANA name; UTC by default. */
  readonly timeZone?: string | undefined
}

/** Number of lines that the format is detected from. */
const SAMPLE = 100

/** So many unreadable lines are looked at together. */
const UNREAD = 50

const TOO_LONG = `longer than ${MAX_LINE_LENGTH.toLocaleString('en')} bytes`

const UTF8_MARK = '\xef\xbb\xbf'

/** Reads a log piece by piece. */
export class LogReader {
  readonly #splitter: LineSplitter
  readonly #receiver: EntryReceiver
  readonly #options: LogReaderOptions
  readonly #entry = emptyEntry()
  #formats: LineFormats | undefined
  /** The first lines, which wait until the format is known. */
  readonly #sample: string[] = []
  #waiting: ((formats: LineFormats) => void)[] = []
  /** Lines that cannot be read yet: several of them may be in another format. */
  #unread: UnreadLine[] = []
  /** Number of lines that are not empty. */
  lines = 0
  constructor(options: LogReaderOptions, receiver: EntryReceiver) {
    this.#options = options
    this.#receiver = receiver
    this.#splitter = new LineSplitter({
      line: (text, isWhole) => this.#take(this.#splitter.lineNumber, text, isWhole),
      tooLong: (start) => {
        this.lines++
        const { lineNumber } = this.#splitter
        const reject = () => this.#reject(lineNumber, TOO_LONG, start)
        if (this.#waiting.length > 0) this.#waiting.push(reject)
        else reject()
      },
    })
  }

  /** undefined until it is known. */
  get format(): LogFormat | undefined {
    return this.#formats?.first
  }

  push(piece: Buffer): void {
    this.#splitter.push(piece.toString('latin1'))
  }

  end(): void {
    this.#splitter.end()
    this.#decide()
    if (this.#formats !== undefined) this.#retry(this.#formats)
  }

  #take(lineNumber: number, text: string, isWhole: boolean): void {
    this.lines++
    const line = this.lines === 1 && text.startsWith(UTF8_MARK) ? text.slice(UTF8_MARK.length) : text
    if (this.#formats !== undefined) {
      this.#read(this.#formats, lineNumber, line, isWhole)
      return
    }
    this.#sample.push(line)
    this.#waiting.push((formats) => this.#read(formats, lineNumber, line, isWhole))
    if (this.#waiting.length >= SAMPLE) this.#decide()
  }

  #decide(): void {
    if (this.#formats !== undefined || this.#waiting.length === 0) return
    const { client, timeZone } = this.#options
    const doubt = (text: string, line: string) => this.#receiver.doubted(text, line)
    const formats = new LineFormats(this.#sample, this.#options, { client, timeZone, doubt })
    this.#formats = formats
    for (const read of this.#waiting) read(formats)
    this.#waiting = []
  }

  #read(formats: LineFormats, lineNumber: number, line: string, isWhole: boolean): void {
    if (line.includes('\0')) {
      this.#reject(lineNumber, 'binary zeros', line)
      return
    }
    const result = formats.read(line, this.#entry)
    if (result === PIECE || result === NO_REQUEST) return
    if (result === undefined) this.#accept(lineNumber, line, isWhole)
    else if (formats.mayFindMore) {
      this.#unread.push({ lineNumber, line, isWhole, reason: result })
      if (this.#unread.length >= UNREAD) this.#retry(formats)
    } else this.#reject(lineNumber, result, line)
  }

  /** Lines are rejected in their order. */
  #reject(lineNumber: number, reason: string, line: string): void {
    if (this.#unread.length === 0) this.#receiver.rejected(lineNumber, reason, line)
    else this.#unread.push({ lineNumber, line, isWhole: true, reason, isFinal: true })
    if (this.#unread.length >= UNREAD && this.#formats !== undefined) this.#retry(this.#formats)
  }

  #accept(lineNumber: number, line: string, isWhole: boolean): void {
    if (this.#entry.isCut && !isWhole) this.#reject(lineNumber, 'not yet whole', line)
    else this.#receiver.accepted(this.#entry, line, this.#formats?.last ?? '')
  }

  /** Looks for a format of the lines that cannot be read. */
  #retry(formats: LineFormats): void {
    const lines = this.#unread
    if (lines.length === 0) return
    this.#unread = []
    const open = lines.filter(({ isFinal }) => isFinal !== true)
    const isFound = formats.findMore(open.map(({ line }) => line))
    for (const { lineNumber, line, isWhole, reason, isFinal } of lines) {
      const result = isFound && isFinal !== true ? formats.read(line, this.#entry) : reason
      if (result === undefined) this.#accept(lineNumber, line, isWhole)
      else if (result !== PIECE && result !== NO_REQUEST) this.#receiver.rejected(lineNumber, result, line)
    }
  }
}

interface UnreadLine {
  readonly lineNumber: number
  readonly line: string
  readonly isWhole: boolean
  readonly reason: string
  /** It is in no format. */
  readonly isFinal?: true
}
