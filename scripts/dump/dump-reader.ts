import { createHash } from 'node:crypto'
import {
  DumpFileError,
  END_OF_ROWS,
  FORMAT,
  FORMAT_VERSION,
  MAX_LINE_BYTES,
  NO_DUMP,
  type DumpEnd,
  type DumpHead,
  type TableEnd,
  type TableHead,
} from './dump-file.js'

const NEWLINE = 0x0a
const END = Buffer.from(`\n${END_OF_ROWS}`)

/** Reads the uncompressed bytes of a dump in order, in constant memory. */
export class DumpReader {
  readonly #pieces: AsyncIterator<Buffer>
  readonly #hash = createHash('sha256')
  /** What was read and is not yet taken. */
  #rest: Buffer = Buffer.alloc(0)

  constructor(pieces: AsyncIterable<Buffer>) {
    this.#pieces = pieces[Symbol.asyncIterator]()
  }

  /** @throws DumpFileError unless it is a dump that this release can read */
  async head(): Promise<DumpHead> {
    const head = (await this.#json()) as Partial<DumpHead> | null
    if (head?.format !== FORMAT) throw new DumpFileError(NO_DUMP)
    const { format_version: version, service_version: service, tables } = head
    if (version !== FORMAT_VERSION) {
      throw new DumpFileError(
        `It has format ${String(version)}, of release ${String(service)}; this release reads format ${FORMAT_VERSION}.`,
      )
    }
    if (!isNames(tables) || !isNames(head.migrations)) throw damaged('its head is incomplete')
    return head as DumpHead
  }

  /** The next table; undefined at the end, whose checksum is right. */
  async table(): Promise<TableHead | undefined> {
    const sha256 = this.#hash.copy().digest('hex')
    const line = (await this.#json()) as Partial<TableHead & DumpEnd> | null
    if (typeof line?.table === 'string' && isNames(line.columns)) return line as TableHead
    if (line?.sha256 !== sha256) throw damaged('the checksum is wrong')
    if (this.#rest.length > 0 || !(await this.#pieces.next()).done) throw damaged('something follows its end')
    return undefined
  }

  /** The rows of the table, in pieces that need not end with a row. */
  async *rows(): AsyncGenerator<Buffer, void> {
    // The end of the line before is needed to find the end of no rows.
    let atStart = true
    for (;;) {
      const searched = atStart ? Buffer.concat([Buffer.from('\n'), this.#rest]) : this.#rest
      const at = searched.indexOf(END)
      const skipped = atStart ? 1 : 0
      if (at !== -1) {
        const rows = this.#take(at + 1 - skipped)
        this.#take(END_OF_ROWS.length)
        if (rows.length > 0) yield rows
        return
      }
      // The newest bytes may be the beginning of the end.
      const complete = searched.length - END.length - skipped
      if (complete > 0) {
        yield this.#take(complete)
        atStart = false
      }
      await this.#more()
    }
  }

  /** The number of rows that the table has had. */
  async rowCount(): Promise<number> {
    const { rows } = (await this.#json()) as Partial<TableEnd>
    if (!Number.isSafeInteger(rows)) throw damaged('a number of rows is missing')
    return rows!
  }

  async #json(): Promise<unknown> {
    let end = this.#rest.indexOf(NEWLINE)
    while (end === -1) {
      if (this.#rest.length > MAX_LINE_BYTES) throw damaged('a line is too long')
      await this.#more()
      end = this.#rest.indexOf(NEWLINE)
    }
    const line = this.#take(end + 1).toString('utf8')
    try {
      return JSON.parse(line)
    } catch {
      throw damaged('a line cannot be read')
    }
  }

  #take(bytes: number): Buffer {
    const taken = this.#rest.subarray(0, bytes)
    this.#rest = this.#rest.subarray(bytes)
    this.#hash.update(taken)
    return taken
  }

  async #more(): Promise<void> {
    const { done, value } = await this.#pieces.next()
    if (done) throw damaged('it is incomplete')
    this.#rest = this.#rest.length === 0 ? value : Buffer.concat([this.#rest, value])
  }
}

const isNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')

export function damaged(reason: string): DumpFileError {
  return new DumpFileError(`The dump is damaged: ${reason}.`)
}
