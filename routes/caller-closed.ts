import type { Socket } from 'node:net'
import type { FastifyReply } from 'fastify'

/** Aborted when the caller closes the connection before the answer is complete: the work can end. */
export function callerClosed(reply: FastifyReply): AbortSignal {
  const closed = new AbortController()
  const close = () => closed.abort(CALLER_CLOSED)
  // An answer that waits for the one before it on its connection has no socket yet, and does not hear of its end.
  const forget = whenClosed(reply.request.raw.socket, close)
  reply.raw.once('close', () => {
    forget()
    close()
  })
  return closed.signal
}

/** Who waits for the end of each connection. Many requests may wait on one: it has one listener for all. */
const waiting = new WeakMap<Socket, Set<() => void>>()

/** @returns ends the waiting */
function whenClosed(socket: Socket, callback: () => void): () => void {
  if (socket.destroyed) callback()
  let callbacks = waiting.get(socket)
  if (callbacks === undefined) {
    const all = (callbacks = new Set())
    waiting.set(socket, all)
    socket.once('close', () => all.forEach((each) => each()))
  }
  callbacks.add(callback)
  return () => void callbacks.delete(callback)
}

/** The status of NGINX for it. Nobody gets the answer, and below 500 it is not logged as an error of the service. */
const CALLER_CLOSED = Object.assign(new Error('The caller closed the connection.'), { statusCode: 499 })
