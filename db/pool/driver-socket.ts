import { EventEmitter } from 'node:events'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type ConnectionOptions } from 'node:tls'
import { CopyDataJoiner } from './copy-data-joiner.js'
import { Greeting, type Settings } from './greeting.js'
import { END_OF_ROWS, WholeMessages } from './whole-messages.js'
import type { ConnectionLoad, PoolTally } from './pool-load.js'

/** Where the driver wants a socket to. */
interface Place {
  readonly host: readonly string[]
  readonly port: readonly number[]
  readonly path?: string | false
}

/** How a connection is encrypted. It is plain data, for worker threads. */
export interface Encryption {
  /** What is checked of the server's certificate: nothing, who issued it, or that and the name of the host. */
  readonly verify: 'nothing' | 'issuer' | 'host'
  /** Certificates of issuers, in PEM format; left out, those that Node.js knows. */
  readonly ca?: string
}

export interface SocketOptions {
  /** Left out, the connection is not encrypted. */
  readonly tls?: Encryption | undefined
  /** Settings of the session, in force before the driver's first statement. */
  readonly settings?: Settings | undefined
  /** Whether the rows of a COPY to the client are joined; see {@link CopyDataJoiner}. */
  readonly joinsCopyData?: boolean
  /** Where the load of the connection is entered. */
  readonly tally?: PoolTally | undefined
}

/** The option `socket` of the driver. */
export function driverSockets(options: SocketOptions = {}): (place: Place) => DriverSocket {
  return (place) => new DriverSocket(place, options)
}

/**
 * The socket under a connection of postgres.js 3.4.9. It encrypts the connection, applies the settings of the session,
 * and works around defects of the driver (porsager/postgres, pull requests 1209 and 1215; the third is that of
 * {@link WholeMessages}, which a statement with a cursor does not stand):
 *
 * - When a connection ends in the middle of a transaction, the driver writes the rollback after it has dropped the
 *   socket. That throws outside of any promise and ends the process. This socket reports the end while the driver still
 *   has it: first an error, so that queries fail and transactions roll back, then the close.
 * - A statement that the driver has not written when it drops the socket stays in its buffer, and keeps it from writing
 *   to the next sockets until the buffer has 1 KiB, each time until a time-out. A socket to which nothing is written at
 *   once therefore closes at once, without a connection to the server, until the driver writes; and of what is written
 *   first only the last message is sent.
 *
 * A connection that ends between two statements of a transaction is worse: the driver forgets it, and the next statement
 * ends the process, or is executed outside of the transaction on the connection that has taken its place. Whoever runs
 * a transaction therefore holds the socket. Until it is let go, the driver does not hear of the end; each statement
 * fails, and then the socket says, as the server would, that the transaction can only be rolled back.
 */
export class DriverSocket extends EventEmitter {
  /** The one whose bytes the driver has read last: what resolves from them runs before it reads others. */
  static lastRead: DriverSocket | undefined
  readonly host: string
  readonly port: number
  readonly #path: string | undefined
  readonly #tls: Encryption | undefined
  readonly #greeting: Greeting
  readonly #joiner: CopyDataJoiner | null
  /** Undefined until the driver writes. */
  #socket: Socket | undefined
  /** What waits for the connection. */
  #unsent: Buffer[] | undefined = []
  #isCancelRequest = false
  #closed = false
  readonly #messages = new WholeMessages((type, first) => this.#load?.receive(type, first))
  /** Whether a transaction holds the socket. */
  #held = false
  readonly #tally: PoolTally | undefined
  /** From the first message on. */
  #load: ConnectionLoad | undefined

  constructor({ host, port, path }: Place, options: SocketOptions) {
    const { tls, settings = {}, joinsCopyData = false, tally } = options
    super()
    this.host = host[0]!
    this.port = port[0]!
    this.#path = path || undefined
    this.#tls = tls
    this.#greeting = new Greeting(settings)
    this.#joiner = joinsCopyData ? new CopyDataJoiner() : null
    this.#tally = tally
    setImmediate(() => setImmediate(() => this.#socket ?? this.#end()))
  }

  get readyState(): 'open' | 'closed' {
    return this.#closed ? 'closed' : 'open'
  }

  /** From BEGIN on, the driver keeps this socket, even if the connection ends. @returns what lets it go */
  hold(): () => void {
    this.#held = true
    return () => {
      this.#held = false
      if (this.#closed) this.#close()
    }
  }

  write(bytes: Buffer, done?: (error?: Error | null) => void): boolean {
    if (this.#closed && this.#held) setImmediate(() => this.#failStatements())
    if (this.#socket !== undefined && !this.#closed) this.#load?.send(bytes)
    if (this.#socket === undefined && !this.#closed) this.#connect(firstMessage(bytes))
    else if (this.#unsent === undefined) return this.#socket!.write(bytes, done)
    else this.#unsent.push(bytes)
    done?.(this.#closed ? connectionClosed() : null)
    return true
  }

  /** A server that does not react to the last words has no say in when the connection ends. */
  end(bytes: Buffer): void {
    if (this.#unsent !== undefined) return this.destroy()
    this.#socket!.end(bytes)
    setTimeout(() => this.destroy(), LAST_WORDS_MS).unref()
  }

  destroy(): void {
    if (this.#socket === undefined) this.#end()
    else this.#socket.destroy()
  }

  pause(): void {
    this.#socket?.pause()
  }

  resume(): void {
    this.#socket?.resume()
  }

  #connect(startup: Buffer): void {
    this.#isCancelRequest = startup.readInt32BE(4) === CANCEL_REQUEST
    if (!this.#isCancelRequest) this.#load = this.#tally?.open()
    const tcp = this.#path === undefined ? connectTcp(this.port, this.host) : connectTcp(this.#path)
    tcp.setNoDelay(true).setKeepAlive(true, KEEPALIVE_MS)
    this.#use(tcp)
    this.#unsent = [startup]
    tcp.once('connect', () => (this.#tls === undefined ? this.#open(tcp) : this.#secure(tcp, this.#tls)))
    tcp.once('close', () => this.#end())
  }

  #use(socket: Socket): void {
    this.#socket = socket
    socket.on('error', (error) => this.#fail(error))
    socket.on('drain', () => this.emit('drain'))
  }

  #secure(tcp: Socket, encryption: Encryption): void {
    tcp.write(SSL_REQUEST)
    tcp.once('data', (answer) => {
      // More than the one letter comes from somebody in between.
      if (answer.toString('latin1') !== 'S') {
        const message = 'The database server offers no TLS. Set POSTGRES_SSL=disable if it is not to be used.'
        return void tcp.destroy(Object.assign(new Error(message), { code: 'TLS_REFUSED' }))
      }
      const secure = connectTls({ ...tlsOptions(encryption, this.host), socket: tcp })
      this.#use(secure)
      secure.once('secureConnect', () => this.#open(secure))
      secure.once('close', () => tcp.destroy())
    })
  }

  #open(socket: Socket): void {
    socket.on('data', (bytes: Buffer) => {
      const { forDriver, forServer } = this.#greeting.pass(bytes)
      if (forServer) socket.write(forServer)
      this.#read(this.#messages.pass(forDriver))
    })
    for (const bytes of this.#unsent!) socket.write(bytes)
    this.#unsent = undefined
  }

  #read(bytes: Buffer): void {
    const joined = this.#joiner === null ? bytes : this.#joiner.pass(bytes)
    DriverSocket.lastRead = this
    if (joined.length > 0) this.emit('data', joined)
  }

  #failStatements(): void {
    if (this.#messages.end()) this.emit('data', END_OF_ROWS)
    this.#fail(connectionClosed())
    if (this.#held) this.emit('data', READY_TO_ROLL_BACK)
  }

  #fail(error: Error): void {
    if (this.listenerCount('error') > 0) this.emit('error', error)
  }

  /** Of all connections, only that of a cancel request, and one that was never made, end well. */
  #end(): void {
    if (this.#closed) return
    this.#closed = true
    if (this.#load !== undefined) this.#tally!.close(this.#load)
    if (this.#socket === undefined) return void this.emit('close', false)
    // Without an error, the driver would connect again and again for the query that waits for the connection.
    if (!this.#isCancelRequest) this.#failStatements()
    if (!this.#held) this.#close()
  }

  #close(): void {
    setImmediate(() => setImmediate(() => this.emit('close', false)))
  }
}

const CANCEL_REQUEST = 80_877_102
const STARTUP = 196_608
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])
/** ReadyForQuery, in a transaction that has failed. */
const READY_TO_ROLL_BACK = Buffer.from([90, 0, 0, 0, 5, 69])
const KEEPALIVE_MS = 60_000
const LAST_WORDS_MS = 1_000

function tlsOptions({ verify, ca }: Encryption, host: string): ConnectionOptions {
  return {
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca }),
    rejectUnauthorized: verify !== 'nothing',
    ...(verify !== 'host' && { checkServerIdentity: () => undefined }),
  }
}

/** The message that begins a connection: the last one of what the driver writes first. */
function firstMessage(bytes: Buffer): Buffer {
  for (let start = bytes.length - 8; start > 0; start--) {
    const code = bytes.readInt32BE(start + 4)
    if (code !== STARTUP && code !== CANCEL_REQUEST) continue
    if (bytes.readInt32BE(start) === bytes.length - start) return bytes.subarray(start)
  }
  return bytes
}

function connectionClosed(): Error {
  return Object.assign(new Error('The connection to the database was lost.'), { code: 'CONNECTION_CLOSED' })
}
