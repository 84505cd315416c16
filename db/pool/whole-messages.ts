const HEADER = 5
const NOTHING = Buffer.alloc(0)

const [DATA_ROW, COMMAND_COMPLETE, ERROR_RESPONSE] = [...'DCE'].map((letter) => letter.charCodeAt(0))

/** CommandComplete without a tag. The driver takes it as the end of the rows of a statement, and as nothing else. */
export const END_OF_ROWS = Buffer.from([COMMAND_COMPLETE!, 0, 0, 0, 5, 0])

/**
 * Cuts what PostgreSQL sends between its messages: the beginning of one waits for the rest of it. Where a statement fails
 * after some of its rows, END_OF_ROWS is put in front of the error: the driver counts rows until then, and would put
 * those of its next statement behind as many holes.
 */
export class WholeMessages {
  #parts: Buffer[] = []
  /** Bytes until the message that waits is whole, or its header. */
  #missing = 0
  /** Whether the last message was a row, so that the driver is within an answer. */
  #hasRows = false

  /** @param onMessage called with the type of each message and the first byte of its content, 0 without content */
  constructor(private readonly onMessage: (type: number, first: number) => void = () => undefined) {}

  /** @param bytes the next ones of the server; the first begin with a message */
  pass(bytes: Buffer): Buffer {
    if (this.#parts.length > 0) {
      this.#parts.push(bytes)
      this.#missing -= bytes.length
      if (this.#missing > 0) return NOTHING
      bytes = Buffer.concat(this.#parts.splice(0))
    }
    const broken: Buffer[] = []
    let begin = 0
    let end = 0
    let next = endOf(bytes, end)
    while (next <= bytes.length) {
      const type = bytes[end]!
      if (this.#isBroken(type)) {
        broken.push(bytes.subarray(begin, end), END_OF_ROWS)
        begin = end
      }
      this.onMessage(type, next > end + HEADER ? bytes[end + HEADER]! : 0)
      end = next
      next = endOf(bytes, end)
    }
    if (end < bytes.length) {
      this.#parts = [bytes.subarray(end)]
      this.#missing = next - bytes.length
    }
    const last = bytes.subarray(begin, end)
    return broken.length === 0 ? last : Buffer.concat([...broken, last])
  }

  /** The connection has ended. @returns whether that was within the rows of a statement */
  end(): boolean {
    const hadRows = this.#hasRows
    this.#hasRows = false
    return hadRows
  }

  /** Whether rows come before a message that ends their statement with an error. */
  #isBroken(type: number): boolean {
    const isBroken = type === ERROR_RESPONSE && this.#hasRows
    if (type === DATA_ROW) this.#hasRows = true
    else if (type === ERROR_RESPONSE || END_OF_ANSWER.has(type)) this.#hasRows = false
    return isBroken
  }
}

/** Where the message that begins at an index ends; its header, as long as that is not whole. */
function endOf(bytes: Buffer, begin: number): number {
  return bytes.length - begin < HEADER ? begin + HEADER : begin + 1 + bytes.readUInt32BE(begin + 1)
}

/** CommandComplete, PortalSuspended and ReadyForQuery. */
const END_OF_ANSWER = new Set([...'CsZ'].map((letter) => letter.charCodeAt(0)))
