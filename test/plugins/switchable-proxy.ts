import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { Scope } from '../scope.js'

const wait = async (ms: number) => (ms > 0 ? delay(ms) : undefined)

/** A stand-in for a server that comes and goes: a port that forwards to another one, while it is open. */
export interface SwitchableProxy {
  readonly port: number
  /** How many connections it has been asked for. */
  connections(): number
  open(): Promise<void>
  /** Refuses, and breaks what is connected: the server was stopped. */
  close(): Promise<void>
  /** Connects and forwards nothing, in either direction, until resumed: the server hangs. */
  pause(): void
  resume(): void
  /** The oldest connections hang for good, what connects from now on does not: a firewall forgot its state. */
  strand(oldest?: number): void
  /** What was stranded breaks, as keepalive would find out. */
  breakStranded(): void
  /** Breaks a connection as soon as so many bytes more have gone through it to the server: in the midst of a COPY. */
  cutAfter(bytes: number): void
  /** Each piece arrives so much later, in both directions, until it is 0. */
  delay(ms: number): void
}

export async function switchableProxy(scope: Scope, targetPort: number): Promise<SwitchableProxy> {
  const sockets = new Set<Socket>()
  const stranded = new Set<Socket>()
  let server: Server | undefined
  let paused = false
  let delayMs = 0
  let cutAt = Infinity
  let accepted = 0
  let port = 0

  function accept(inside: Socket): void {
    accepted++
    const outside = connect(targetPort, '127.0.0.1')
    for (const [from, to] of [
      [inside, outside],
      [outside, inside],
    ] as const) {
      let line = Promise.resolve()
      sockets.add(from)
      from.on('error', () => undefined)
      from.once('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      from.on('data', (chunk: Buffer) => {
        if (from === inside && (cutAt -= chunk.length) <= 0) {
          cutAt = Infinity
          return void from.destroy()
        }
        // In order, whatever the delay has become meanwhile.
        const dueMs = performance.now() + delayMs
        line = line.then(() => wait(dueMs - performance.now())).then(() => void to.write(chunk))
      })
      if (paused) from.pause()
    }
  }

  const proxy: SwitchableProxy = {
    get port() {
      return port
    },
    connections: () => accepted,
    async open() {
      const opened = createServer(accept)
      server = opened
      await new Promise<void>((resolve) => opened.listen(port, '127.0.0.1', resolve))
      port = (opened.address() as AddressInfo).port
    },
    async close() {
      const closing = server
      server = undefined
      const closed = new Promise((resolve) => (closing ? closing.close(resolve) : resolve(undefined)))
      for (const socket of sockets) socket.destroy()
      await closed
    },
    pause() {
      paused = true
      for (const socket of sockets) socket.pause()
    },
    resume() {
      paused = false
      for (const socket of sockets) socket.resume()
    },
    strand(oldest = Infinity) {
      for (const socket of [...sockets].slice(0, 2 * oldest)) stranded.add(socket.pause()) // two sockets each
    },
    breakStranded() {
      for (const socket of stranded) socket.destroy()
      stranded.clear()
    },
    cutAfter(bytes) {
      cutAt = bytes
    },
    delay(ms) {
      delayMs = ms
    },
  }
  await proxy.open()
  scope.teardown(() => proxy.close())
  return proxy
}
