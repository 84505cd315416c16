import { readFile } from 'node:fs/promises'
import { MINUTE_MS } from '../../models/traffic/durations.js'
import type { Receiver } from '../config/notifications.js'
import type { Channel } from './channel.js'
import { impactInWords, incidentUrl, type Notification } from './notification.js'
import { post } from './post.js'

/** An alert as POST /api/v2/alerts takes it. */
interface Alert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly startsAt: string
  readonly endsAt: string
  readonly generatorURL?: string
}

/** Alertmanager forgets what it is not told again. */
const REPEAT_SECONDS = 60
/** An alert ends by itself when nobody has told of it for so long: the service is gone. */
const LIFE_MS = 10 * MINUTE_MS
const TEST_LIFE_MS = MINUTE_MS
const MAX_LABEL = 200
const MAX_ANNOTATION = 2_000

/** Tells an Alertmanager by its API v2. */
export function createAlertmanager(
  { name, url, authorization }: Receiver,
  tokenFile: string | null,
  publicUrl: string | null,
): Channel {
  return {
    name,
    kind: 'alertmanager',
    repeatSeconds: REPEAT_SECONDS,
    async send(notification, earlier, now, signal) {
      const alerts = alertsOf(notification, earlier, now, publicUrl)
      const token = tokenFile === null ? authorization : await bearerOf(tokenFile)
      if (token === undefined) {
        const problem = 'ALERTMANAGER_TOKEN_FILE cannot be read'
        return { isAccepted: false, status: null, problem, isGone: false, waitSeconds: null }
      }
      const headers = {
        'content-type': 'application/json',
        'user-agent': 'aegis-ml',
        ...(token !== null && { authorization: token }),
      }
      return post({ url: `${url}/api/v2/alerts`, headers, body: JSON.stringify(alerts) }, signal)
    },
  }
}

async function bearerOf(file: string): Promise<string | undefined> {
  const token = await readFile(file, 'utf8').catch(() => undefined)
  return token === undefined || !/^[\x21-\x7e]+$/.test(token.trim()) ? undefined : `Bearer ${token.trim()}`
}

/**
 * The alert of a notification. An alert is known by its labels: where they have changed, the one with the labels before ends.
 * @param earlier of the same incident, the newest first
 */
function alertsOf(
  notification: Notification,
  earlier: readonly Notification[],
  now: Date,
  publicUrl: string | null,
): Alert[] {
  const alert = alertOf(notification, now, publicUrl)
  const key = ({ labels }: Alert) => JSON.stringify(Object.entries(labels).sort())
  const known = new Set([key(alert)])
  const replaced = earlier
    .map((each) => alertOf(each, now, publicUrl))
    .map((each) => ({ ...each, endsAt: endOf(each.startsAt, null, now) }))
    .filter((each) => !known.has(key(each)) && known.add(key(each)))
  return [alert, ...replaced]
}

function alertOf(notification: Notification, now: Date, publicUrl: string | null): Alert {
  const { event, summary, incident } = notification
  const { id, severity, type, source, endpoints, started_at: startsAt, ended_at: endedAt } = incident
  const labels = {
    alertname: event === 'test' ? 'AegisTest' : 'AegisIncident',
    ...{ severity, type, source, endpoint: endpoints[0]?.endpoint ?? '', incident: id },
  }
  const url = incidentUrl(notification, publicUrl)
  const annotations = {
    ...{ summary, description: incident.explanation, impact: impactInWords(incident) },
    ...{ change: incident.change?.detail ?? '', url },
  }
  const lifeMs = event === 'test' ? TEST_LIFE_MS : LIFE_MS
  return {
    labels: bounded(labels, MAX_LABEL),
    annotations: bounded(annotations, MAX_ANNOTATION),
    startsAt,
    endsAt: event === 'ended' ? endOf(startsAt, endedAt, now) : laterOf(startsAt, now.getTime() + lifeMs),
    ...(url !== null && { generatorURL: url }),
  }
}

/** Not in the future. */
function endOf(startsAt: string, endedAt: string | null, now: Date): string {
  return laterOf(startsAt, endedAt === null ? now.getTime() : Math.min(Date.parse(endedAt), now.getTime()))
}

/** Not before the start, even where the clock was set back: Alertmanager refuses all alerts of a request then. */
function laterOf(startsAt: string, endMs: number): string {
  return new Date(Math.max(endMs, Date.parse(startsAt))).toISOString()
}

/** Texts without control characters and of a limited length. Alertmanager has no empty labels. */
function bounded(texts: Readonly<Record<string, string | null>>, max: number): Record<string, string> {
  const plain = (text: string) =>
    text
      .replace(/[\x00-\x1f\x7f]+/g, ' ')
      .slice(0, max)
      .replace(/[\ud800-\udbff]$/, '')
      .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '?')
  const kept = Object.entries(texts).flatMap(([name, text]) => (text ? [[name, plain(text)]] : []))
  return Object.fromEntries(kept) as Record<string, string>
}
