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
  readonly #sent = new MessageTypes((type) => {
    if (type === QUERY || type === SYNC) this.unanswered++
  })
  #isInTransaction = false
  /** Statements that are sent and not answered. */
  unanswered = 0

  /** @param bytes the next ones to the server, after the startup message */
  send(bytes: Buffer): void {
    this.#sent.pass(bytes)
  }

  /** A message from the server. @param first the first byte of its content */
  receive(type: number, first: number): void {
    if (type !== READY) return
    this.unanswered = Math.max(0, this.unanswered - 1)
    this.#isInTransaction = first !== IDLE
  }

  get isUsed(): boolean {
    return this.unanswered > 0 || this.#isInTransaction
  }
}

/** Finds the types of the messages in the pieces of a stream. */
class MessageTypes {
  readonly #header = Buffer.alloc(HEADER)
  #headerLength = 0
  /** Bytes of the present message after its header. */
  #left = 0

  /** @param found called with each type */
  constructor(private readonly found: (type: number) => void) {}

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
      this.found(this.#header[0]!)
      this.#left = this.#header.readUInt32BE(1) - 4
      this.#headerLength = 0
    }
  }
}
