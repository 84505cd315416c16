/** How busy the connections of a pool are. */
export interface PoolLoad {
  /** Connections that are open and wait for work. */
  readonly idle: number
  /** Connections that work, or are within a transaction. */
  readonly used: number
  /** Statements that were sent while others before them on the same connection are not answered. */
  readonly waiting: number
}

/** The connections of a pool. */
export class PoolTally implements PoolLoad {
  readonly #connections = new Set<ConnectionLoad>()

  open(): ConnectionLoad {
    const load = new ConnectionLoad()
    this.#connections.add(load)
    return load
  }

  close(load: ConnectionLoad): void {
    this.#connections.delete(load)
  }

  get idle(): number {
    return this.#connections.size - this.used
  }

  get used(): number {
    return [...this.#connections].filter(({ isUsed }) => isUsed).length
  }

  get waiting(): number {
    return [...this.#connections].reduce((sum, { unanswered }) => sum + Math.max(0, unanswered - 1), 0)
  }
}

const [QUERY, SYNC, READY, IDLE] = [...'QSZI'].map((letter) => letter.charCodeAt(0))
const HEADER = 5

/**
 * The load of a connection, from the messages of PostgreSQL's protocol that pass: the server answers each Query and each
 * Sync with one ReadyForQuery, which says whether the connection is in a transaction.
 */
export class ConnectionLoad {
  readonly #sent = new Messages((type) => {
    if (type === QUERY || type === SYNC) this.unanswered++
  })
  readonly #received = new Messages((type, first) => {
    if (type !== READY) return
    this.unanswered = Math.max(0, this.unanswered - 1)
    this.#isInTransaction = first !== IDLE
  })
  #isInTransaction = false
  /** Statements that are sent and not answered. */
  unanswered = 0

  /** @param bytes the next ones to the server, after the startup message */
  send(bytes: Buffer): void {
    this.#sent.pass(bytes)
  }

  /** @param bytes the next ones from the server; the first begin with a message */
  receive(bytes: Buffer): void {
    this.#received.pass(bytes)
  }

  get isUsed(): boolean {
    return this.unanswered > 0 || this.#isInTransaction
  }
}

/** Finds the messages in the pieces of a stream. */
class Messages {
  readonly #header = Buffer.alloc(HEADER + 1)
  #headerLength = 0
  /** Bytes of the present message after its header and its first byte. */
  #left = 0

  /** @param found called with the type of each message and the first byte of its content, 0 without content */
  constructor(private readonly found: (type: number, first: number) => void) {}

  pass(bytes: Buffer): void {
    let at = 0
    while (at < bytes.length) {
      if (this.#left > 0) {
        const skipped = Math.min(this.#left, bytes.length - at)
        this.#left -= skipped
        at += skipped
        continue
      }
      this.#header[this.#headerLength++] = bytes[at++]!
      if (this.#headerLength < HEADER) continue
      const length = this.#header.readUInt32BE(1) - 4
      if (this.#headerLength === HEADER && length > 0) continue
      this.found(this.#header[0]!, length > 0 ? this.#header[HEADER]! : 0)
      this.#left = Math.max(0, length - 1)
      this.#headerLength = 0
    }
  }
}
