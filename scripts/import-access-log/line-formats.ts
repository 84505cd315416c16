import {
  NO_REQUEST,
  type LineParser,
  type LogEntry,
  type Reading,
} from '../../formats/access-log/log-entry.js'
import { detectFormat, type FormatChoice, type LogFormat } from '../../formats/access-log/log-format.js'
import { createUnwrapper, type Bare } from '../../formats/access-log/wrappers.js'

/** What {@link LineFormats.read} returns for a piece of a line that goes on. */
export const PIECE = '...'

interface KnownFormat {
  readonly name: string
  readonly parse: LineParser
  /** undefined for a format without wrappers. */
  readonly unwrap: ((line: string) => Bare | null) | undefined
}

/** Formats beside the first, and attempts to find one. */
const MAX_OTHERS = 4
const MAX_ATTEMPTS = 20
/** So many lines show that a format is there; two are enough when they are half of those that could not be read. */
const MIN_LINES = 5

/** The formats of one log: files may be joined, and a configuration may change. */
export class LineFormats {
  readonly #choice: FormatChoice
  readonly #reading: Reading
  readonly #known: KnownFormat[] = []
  #attempts = 0
  /** That of most of the first lines. */
  readonly first: LogFormat
  /** The name of that of the last line that was read. */
  last = ''

  /** @param sample the first lines */
  constructor(sample: readonly string[], choice: FormatChoice, reading: Reading) {
    this.#choice = choice
    this.#reading = reading
    this.first = detectFormat(sample, choice)
    this.#add(this.first)
  }

  /** Reads a line in the first format that it can be read in. @returns as a {@link LineParser}; {@link PIECE} */
  read(line: string, entry: LogEntry): string | undefined {
    let first: string | undefined
    for (const { name, parse, unwrap } of this.#known) {
      const bare = unwrap?.(line)
      if (bare === null) return PIECE
      const reason = parse(bare?.text ?? line, entry, bare?.timeMs)
      if (reason === undefined || reason === NO_REQUEST) {
        this.last = name
        return reason
      }
      first ??= reason
    }
    return first
  }

  /** Whether lines that cannot be read may be in a format that is not known yet. */
  get mayFindMore(): boolean {
    const isOpen = this.#choice.name === undefined && this.#choice.text === undefined
    return isOpen && this.#known.length <= MAX_OTHERS && this.#attempts < MAX_ATTEMPTS
  }

  /** Looks for the format of lines that cannot be read. @returns whether there is one */
  findMore(lines: readonly string[]): boolean {
    this.#attempts++
    const found = detectFormat(lines, this.#choice)
    if (found.readable < Math.min(MIN_LINES, Math.max(2, lines.length / 2))) return false
    this.#add(found)
    this.#reading.doubt(
      `some lines are in another format (${nameOf(found)}), and are read too`,
      found.example,
    )
    return true
  }

  #add(format: LogFormat): void {
    const { wrappers } = format
    const unwrap = wrappers.length > 0 ? createUnwrapper(wrappers) : undefined
    this.#known.push({ name: nameOf(format), parse: format.createParser(this.#reading), unwrap })
  }
}

/** The wrappers are the outermost first. @example 'nginx in Kubernetes (CRI) in syslog' */
function nameOf({ name, wrappers }: LogFormat): string {
  return [name, ...wrappers.toReversed()].join(' in ')
}
