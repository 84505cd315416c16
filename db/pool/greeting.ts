export type Settings = Readonly<Record<string, string>>

const [COMPLETE, ROW, PARAMETER, COLUMNS, READY] = [...'CDSTZ'].map((letter) => letter.charCodeAt(0))

const NOTHING = Buffer.alloc(0)

/**
 * The beginning of a session, between the server and the driver. As soon as the server is ready for the first query,
 * the settings are applied, and the driver learns that the server is ready when they are in force. They are not part of
 * the startup message because PgBouncer refuses that then.
 */
export class Greeting {
  readonly #settings: Settings
  #bytes: Buffer = NOTHING
  #version = 0
  /** The server's word that it is ready, while the driver does not know it. */
  #ready: Buffer | undefined
  #isOver = false

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** What the driver is to see of what the server has sent, and what is to be sent to the server. */
  pass(bytes: Buffer): { forDriver: Buffer; forServer?: Buffer } {
    if (this.#isOver) return { forDriver: bytes }
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    const seen: Buffer[] = []
    let forServer: Buffer | undefined
    for (;;) {
      const message = this.#next()
      if (message === undefined) break
      if (message[0] === PARAMETER) this.#readVersion(message)
      if (this.#ready === undefined && message[0] === READY) {
        this.#ready = message
        forServer = queryMessage(statements(this.#version, this.#settings))
      } else if (this.#ready === undefined || !isAnswer(message[0]!)) {
        seen.push(message)
      }
      if (this.#ready !== undefined && message !== this.#ready && message[0] === READY) {
        this.#isOver = true
        break
      }
    }
    if (this.#isOver) seen.push(this.#bytes)
    const forDriver = Buffer.concat(seen)
    return forServer ? { forDriver, forServer } : { forDriver }
  }

  #next(): Buffer | undefined {
    if (this.#bytes.length < 5) return undefined
    const length = 1 + this.#bytes.readUInt32BE(1)
    if (this.#bytes.length < length) return undefined
    const message = this.#bytes.subarray(0, length)
    this.#bytes = this.#bytes.subarray(length)
    return message
  }

  #readVersion(message: Buffer): void {
    const [name, value] = message.toString('latin1', 5).split('\0')
    if (name === 'server_version') this.#version = Number.parseInt(value!, 10)
  }
}

/** Whether a message only says that the settings are in force. An error is for the driver: its query fails. */
function isAnswer(type: number): boolean {
  return type === COMPLETE || type === ROW || type === COLUMNS
}

/** Limits that a role may impose, by the first version that has them. Our statements have limits of their own. */
const IMPOSED_LIMITS = {
  statement_timeout: 0,
  lock_timeout: 0,
  idle_in_transaction_session_timeout: 0,
  idle_session_timeout: 14,
  transaction_timeout: 17,
}

function statements(version: number, settings: Settings): string {
  const limits = Object.entries(IMPOSED_LIMITS).filter(([, since]) => version >= since)
  const all = { ...Object.fromEntries(limits.map(([name]) => [name, '0'])), ...settings }
  return Object.entries(all)
    .map(([name, value]) => `set ${name} = '${value.replaceAll("'", "''")}'`)
    .join(';')
}

/** A simple query. */
function queryMessage(text: string): Buffer {
  const message = Buffer.alloc(6 + Buffer.byteLength(text))
  message.write('Q')
  message.writeInt32BE(message.length - 1, 1)
  message.write(text, 5)
  return message
}
