import { Socket } from 'node:net'

/** Where the driver wants a socket to. */
interface Place {
  readonly host: readonly string[]
  readonly port: readonly number[]
  readonly path?: string | false
}

/**
 * The socket under a connection of postgres.js 3.4.9. It works around a defect of the driver (porsager/postgres, pull
 * requests 1209 and 1215): when a connection ends in the middle of a transaction, the driver writes the rollback after
 * it has dropped the socket. That throws outside of any promise and ends the process, and the next ten attempts to
 * connect get no answer. This socket reports the end while the driver still has it: first an error, so that queries
 * fail and transactions roll back, then the close, when the driver has dropped what they wrote.
 */
class DriverSocket extends Socket {
  host?: string | undefined
  port?: number | undefined

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event !== 'close') return super.emit(event, ...args)
    // Without an error, the driver would connect again and again for the query that waits for the connection.
    if (this.#endsEarly() && this.listenerCount('error') > 0) super.emit('error', connectionClosed())
    setImmediate(() => setImmediate(() => super.emit('close', false)))
    return true
  }

  /** Whether this close is an error: of all connections, only that of a cancel request ends well. */
  #endsEarly(): boolean {
    return this.bytesRead > 0 || this.bytesWritten !== CANCEL_REQUEST_BYTES
  }
}

/** The length of a cancel request. It has a socket of its own, which the server closes without an answer. */
const CANCEL_REQUEST_BYTES = 16

/** The option `socket` of the driver. */
export function openDriverSocket({ host: [host], port: [port], path }: Place): Socket {
  const socket = new DriverSocket()
  if (path) return socket.connect(path)
  Object.assign(socket, { host, port }) // the driver's errors name them
  return socket.connect(port!, host!)
}

function connectionClosed(): Error {
  return Object.assign(new Error('The server ended the connection.'), { code: 'CONNECTION_CLOSED' })
}
