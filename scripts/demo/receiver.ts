import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A notification that has arrived. */
export interface Arrival {
  readonly id: string
  /** `incident.started`, `incident.changed`, `incident.ended` or `test`. */
  readonly type: string
  readonly incident: string
  readonly summary: string
}

/** A receiver of webhooks. */
export interface Receiver {
  readonly url: string
  readonly secret: string
  close(): void
}

const MAX_BYTES = 1_000_000
/** The clocks of sender and receiver may differ by this much. */
const MAX_SECONDS = 300

/** Starts a receiver on a free port of the loopback interface. What is not signed as Standard Webhooks asks is refused. */
export async function startReceiver(onArrival: (arrival: Arrival) => void): Promise<Receiver> {
  const key = randomBytes(32)
  const server = createServer((request, response) => {
    readBody(request)
      .then((body) => {
        const isSigned = verifies(key, request.headers, body, Date.now())
        if (isSigned) onArrival(arrivalOf(body))
        response.writeHead(isSigned ? 204 : 401).end()
      })
      .catch(() => response.writeHead(400).end())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/incidents`,
    secret: `whsec_${key.toString('base64')}`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Whether a body has the signature that its headers say. */
function verifies(key: Buffer, headers: IncomingHttpHeaders, body: string, nowMs: number): boolean {
  const [id, timestamp, signatures] = ['id', 'timestamp', 'signature'].map((name) =>
    String(headers[`webhook-${name}`]),
  )
  if (!(Math.abs(nowMs / 1000 - Number(timestamp)) <= MAX_SECONDS)) return false
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest()
  return signatures!.split(' ').some((each) => {
    const given = Buffer.from(each.replace(/^v1,/, ''), 'base64')
    return given.length === expected.length && timingSafeEqual(given, expected)
  })
}

async function readBody(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of request as AsyncIterable<Buffer>) {
    bytes += piece.length
    if (bytes > MAX_BYTES) throw new Error('The body is too large.')
    pieces.push(piece)
  }
  return Buffer.concat(pieces).toString()
}

function arrivalOf(body: string): Arrival {
  const { type, data } = JSON.parse(body) as {
    type: string
    data: { id: string; summary: string; incident: { id: string } }
  }
  return { id: data.id, type, incident: data.incident.id, summary: data.summary }
}
