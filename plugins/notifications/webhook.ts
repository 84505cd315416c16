import { createHmac } from 'node:crypto'
import type { Receiver } from '../config/notifications.js'
import type { Channel } from './channel.js'
import { impactInWords, incidentUrl, type Notification } from './notification.js'
import { post } from './post.js'

/** Tells a receiver by Standard Webhooks 1.0.0 (https://www.standardwebhooks.com). */
export function createWebhook(
  { name, url, authorization }: Receiver,
  keys: readonly Buffer[],
  publicUrl: string | null,
): Channel {
  return {
    name,
    kind: 'webhook',
    repeatSeconds: null,
    send(notification, _earlier, now, signal) {
      const body = JSON.stringify(messageOf(notification, publicUrl))
      const seconds = Math.floor(now.getTime() / 1000)
      const headers = {
        'content-type': 'application/json',
        'user-agent': 'aegis-ml',
        'webhook-id': notification.id,
        'webhook-timestamp': String(seconds),
        'webhook-signature': signaturesOf(notification.id, seconds, body, keys),
        ...(authorization !== null && { authorization }),
      }
      return post({ url, headers, body }, signal)
    },
  }
}

/** A signature for each key, with spaces between them: HMAC-SHA256 of id, time of the attempt and body. */
function signaturesOf(id: string, seconds: number, body: string, keys: readonly Buffer[]): string {
  const signature = (key: Buffer) =>
    createHmac('sha256', key).update(`${id}.${seconds}.${body}`).digest('base64')
  return keys.map((key) => `v1,${signature(key)}`).join(' ')
}

function messageOf(notification: Notification, publicUrl: string | null) {
  const { id, event, at, summary, incident } = notification
  const type = event === 'test' ? 'test' : `incident.${event}`
  const url = incidentUrl(notification, publicUrl)
  return { type, timestamp: at, data: { id, event, summary, impact: impactInWords(incident), url, incident } }
}
