import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { clientAddress, clientNetwork, DEFAULT_IPV6_PREFIX } from '../../../models/traffic/client-address.js'

export interface ConnectionLimits {
  readonly maxConnections: number
  readonly maxPerAddress: number
  /** Whether an address may have any number: this machine, and proxies that send for many. */
  readonly isExempt: (address: string) => boolean
}

/**
 * The open connections. A new one beyond a bound takes the place of one that has waited longest without a complete
 * request: whoever opens many and sends nothing, or byte by byte, keeps nobody out.
 */
export interface Connections {
  readonly open: number
  /** How many were closed for others, and new ones for want of room. */
  readonly closed: number
  add(socket: Socket): void
  /** A request has begun. */
  begin(request: IncomingMessage, response: ServerResponse): void
  /**
   * Ends connections whose readers take almost nothing for a minute and, while all together hold too much that waits for
   * its reader, those that hold most. To be called every SWEEP_MS.
   */
  sweep(): void
}

interface Connection {
  readonly socket: Socket
  /** Where answers are written: under TLS not the socket itself. */
  stream: Socket
  readonly address: string
  request?: IncomingMessage
  response?: ServerResponse
  /** Bytes of answers that wait for the reader, and that were taken, as of the last sweep. */
  held: number
  taken: number
  /** For how many sweeps little was taken. */
  slowSweeps: number
}

export const SWEEP_MS = 1_000
/** A reader of a long answer takes so much in each second, or is ended after a minute. */
const MIN_TAKEN_BYTES = 1024
const MAX_SLOW_SWEEPS = 60

/** Of all answers that wait for their readers. */
const MAX_HELD_BYTES = 128 << 20

/** How many connections are looked at for one that can be closed. */
const MAX_CANDIDATES = 256

export function createConnections({
  maxConnections,
  maxPerAddress,
  isExempt,
}: ConnectionLimits): Connections {
  /** By the time of their last request, or of their beginning. */
  const all = new Map<Socket, Connection>()
  const byAddress = new Map<string, Map<Socket, Connection>>()
  let closed = 0

  const remove = ({ socket, address }: Connection): void => {
    if (!all.delete(socket)) return
    const same = byAddress.get(address)
    same?.delete(socket)
    if (same?.size === 0) byAddress.delete(address)
  }
  const close = (connection: Connection): void => {
    closed++
    remove(connection)
    connection.socket.destroy()
  }
  /** Whether there is room for one more among these. */
  const makeRoom = (connections: Map<Socket, Connection>, max: number): boolean => {
    if (connections.size < max) return true
    let looked = 0
    for (const each of connections.values()) {
      if (!isWorkedFor(each)) {
        close(each)
        return true
      }
      if (++looked === MAX_CANDIDATES) break
    }
    return false
  }

  return {
    get open() {
      return all.size
    },
    get closed() {
      return closed
    },
    add(socket) {
      const from = clientAddress(socket.remoteAddress ?? '') ?? ''
      const address = clientNetwork(from, DEFAULT_IPV6_PREFIX)
      const connection: Connection = { socket, stream: socket, address, held: 0, taken: 0, slowSweeps: 0 }
      const same = byAddress.get(address) ?? new Map<Socket, Connection>()
      const hasRoom = (isExempt(from) || makeRoom(same, maxPerAddress)) && makeRoom(all, maxConnections)
      if (!hasRoom) return close(connection)
      all.set(socket, connection)
      byAddress.set(address, same.set(socket, connection))
      socket.once('close', () => remove(connection))
    },
    begin(request, response) {
      const socket = transportOf(request.socket)
      const connection = all.get(socket)
      if (!connection) return
      connection.stream = request.socket
      connection.request = request
      connection.response = response
      const same = byAddress.get(connection.address)!
      for (const map of [all, same]) {
        map.delete(socket)
        map.set(socket, connection)
      }
    },
    sweep() {
      let held = 0
      for (const each of all.values()) {
        held += measure(each)
        if (each.slowSweeps > MAX_SLOW_SWEEPS) close(each)
      }
      if (held <= MAX_HELD_BYTES) return
      for (const each of [...all.values()].sort((a, b) => b.held - a.held)) {
        close(each)
        held -= each.held
        if (held <= MAX_HELD_BYTES / 2) return
      }
    },
  }
}

/** The connection itself under one of TLS. */
function transportOf(socket: Socket & { _parent?: Socket }): Socket {
  return socket._parent ?? socket
}

/** Whether a request that has arrived completely waits for its answer. */
function isWorkedFor({ request, response }: Connection): boolean {
  return request !== undefined && request.complete && !response!.writableFinished
}

/** Takes note of what the reader has taken since the last sweep. @returns bytes that wait for it */
function measure(connection: Connection): number {
  const { stream } = connection
  const queued = (stream as { _handle?: { writeQueueSize?: number } })._handle?.writeQueueSize ?? 0
  const held = stream.writableLength // a piece counts until all of it is taken; `queued` shrinks before
  const taken = stream.bytesWritten - held - queued
  const isSlow = held > 0 && taken - connection.taken < MIN_TAKEN_BYTES
  connection.held = held
  connection.taken = taken
  connection.slowSweeps = isSlow ? connection.slowSweeps + 1 : 0
  return held
}
