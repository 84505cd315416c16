import { createHmac, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Sql } from 'postgres'
import type { Test } from 'tap'
import { storeIncidents } from '../../../db/own/incident-book.js'
import type { Incident } from '../../../models/incidents/incident.js'
import type { Notifications } from '../../../plugins/notifications.js'
import { eventually } from '../../eventually.js'
import { STARTED } from '../incidents/an-incident.js'

export const SECRET = `whsec_${Buffer.from('a key of 24 to 64 bytes, random').toString('base64')}`

/** A request that a receiver got. */
export interface Received {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly body: {
    type: string
    timestamp: string
    data: Record<string, unknown> & { incident: { id: string } }
  }
}

/** A server that takes webhooks. */
export interface Receiver {
  readonly url: string
  readonly received: Received[]
  /** How it answers from now on. */
  answer: (response: ServerResponse, request: Received) => void
  /** Accepts again. */
  accept(): void
}

const accept = (response: ServerResponse): void => void response.writeHead(204).end()

export async function startReceiver(t: Test): Promise<Receiver> {
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const text = Buffer.concat(pieces).toString()
      const body = JSON.parse(text) as Received['body']
      const received = { path: request.url!, headers: request.headers, text, body }
      receiver.received.push(received)
      receiver.answer(response, received)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}`,
    received: [],
    answer: accept,
    accept: () => (receiver.answer = accept),
  }
  return receiver
}

/** Checks a webhook as the receivers of Standard Webhooks do. */
export function isSigned({ headers, text }: Received, secret: string, nowMs: number): boolean {
  const id = String(headers['webhook-id'])
  const timestamp = String(headers['webhook-timestamp'])
  if (!/^\d+$/.test(timestamp) || Math.abs(nowMs / 1000 - Number(timestamp)) > 300) return false
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.${text}`).digest()
  return String(headers['webhook-signature'])
    .split(' ')
    .filter((each) => each.startsWith('v1,'))
    .map((each) => Buffer.from(each.slice(3), 'base64'))
    .some((given) => given.length === expected.length && timingSafeEqual(given, expected))
}

/** Stores incidents and tells of them, as a round of the watcher does. */
export async function tell(
  { sql, app }: { sql: Sql; app: { notifications: Pick<Notifications, 'announce'> } },
  incidents: readonly Incident[],
  at = new Date(STARTED),
): Promise<void> {
  await sql.begin(async (tx) => {
    await app.notifications.announce(tx, await storeIncidents(tx, incidents), at)
  })
}

/** Waits until nothing is on its way. */
export async function settle(sql: Sql): Promise<void> {
  const look = async () => {
    const [row] = await sql`select count(*)::int as count from aegis_ml_notifications
      where claimed_until > now() or due_at <= now()`
    return row!['count'] === 0
  }
  await eventually(look, { what: 'notifications that have arrived or failed' })
}

/** Lets what waits for another attempt be tried at once. */
export async function hurry(sql: Sql): Promise<void> {
  await settle(sql)
  await sql`update aegis_ml_notifications set due_at = now() where due_at > now()`
}
