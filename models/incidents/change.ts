import { localTimeOf } from '../seasonality/local-time.js'
import type { AnomalyType } from '../anomaly/verdict.js'
import { limitPattern } from '../rate-limit/in-force/limit-pattern.js'
import { MINUTE_MS } from '../traffic/durations.js'
import type { BeforeAndDuring, Culprit, Rise } from './culprits.js'
import type { RetryStorm } from './retry-storm.js'

/** What was changed shortly before an incident, or began with it. */
export interface FoundChange {
  readonly kind: 'limit' | 'deployment' | 'new_client' | 'retry_storm'
  readonly atMs: number
  /** A sentence with the figures. */
  readonly detail: string
}

/** A limit that was put in force. */
export interface LimitChange {
  readonly atMs: number
  /** As the gateway has it. */
  readonly pattern: string
  /** Requests a minute. */
  readonly limit: number
  /** What put it there. */
  readonly origin: 'recommendation' | 'temporary' | 'rule'
  readonly by: string | null
}

/** A limit begins to matter within this time. */
export const LIMIT_BEFORE_MS = 30 * MINUTE_MS
const MIN_LIMITED = 20
const MIN_LIMITED_SHARE = 0.5
/** 429 is nothing new where it was half as frequent before. */
const MAX_USUAL_SHARE = 0.5

/** Requests that were answered with 429, as far as an incident is about them. */
type Limited = Pick<BeforeAndDuring['during'], 'requests' | 'failed' | 'limited' | 'firstLimitedMs'>

/**
 * Whether a limit started the incident: most failures are 429 and were not before, or requests are missing right after a limit
 * was put in force. The newest limit that describes the endpoint is named, or else the newest of the whole gateway.
 *
 * @param endpoint null: the incident is about the gateway
 * @param timeZone in which times are written
 */
export function startedByLimit(
  type: AnomalyType,
  endpoint: string | null,
  { before, during }: { readonly before: Limited; readonly during: Limited },
  changes: readonly LimitChange[],
  timeZone: string,
): FoundChange | null {
  const share = (limited: number, of: number) => (of > 0 ? limited / of : 0)
  const isAnswer =
    during.limited >= MIN_LIMITED &&
    share(during.limited, during.failed) >= MIN_LIMITED_SHARE &&
    share(before.limited, before.requests) <= MAX_USUAL_SHARE * share(during.limited, during.requests)
  const change = newestFor(endpoint, changes)
  if (!isAnswer && !(type === 'traffic_drop' && change)) return null
  if (change === undefined && type === 'traffic_spike') return null // a limit that holds a flood did not start it
  const answered = `429 answered ${count(during.limited)} of the ${count(during.failed)} requests that failed.`
  const figures = during.limited > 0 ? ` ${answered}` : ''
  if (change === undefined) {
    const atMs = during.firstLimitedMs!
    return {
      kind: 'limit',
      atMs,
      detail: `A limit rejects requests since ${clock(atMs, timeZone)}: ${answered}`,
    }
  }
  const { atMs, pattern, limit, origin, by } = change
  const what = `${count(limit)} requests a minute for ${pattern}`
  const who = `${ORIGINS[origin]}${by === null ? '' : `, applied by ${by}`}`
  const detail = `Started by the limit of ${clock(atMs, timeZone)}: ${what} (${who}).${figures}`
  return { kind: 'limit', atMs, detail }
}

const ORIGINS = {
  recommendation: 'a recommendation of AEGIS ML',
  temporary: 'a temporary limit against an incident',
  rule: 'a rule of the gateway',
} as const

function newestFor(endpoint: string | null, changes: readonly LimitChange[]): LimitChange | undefined {
  const newest = changes.toSorted((a, b) => b.atMs - a.atMs)
  if (endpoint === null) return newest[0]
  const patterns = newest.map((change) => ({ change, pattern: limitPattern(change.pattern) }))
  const found = patterns.find(({ pattern }) => pattern.closeness(endpoint) > 0)
  return (found ?? patterns.find(({ pattern }) => pattern.isWholeGateway))?.change
}

/** A client makes most of the rise. */
const MIN_RISE_SHARE = 0.5
/** What it sent before is this share of what it sends now, at most. */
const MAX_SENT_BEFORE = 0.02

/** The client that may be new: it makes half of the rise or more, and sent hardly anything in the time before. */
export function newClientOf({ matters, excess, largest }: Rise, { before }: BeforeAndDuring): Culprit | null {
  if (!matters || largest === null || largest.excess < MIN_RISE_SHARE * excess) return null
  return before.requestsOf(largest.client) <= maxSentBefore(largest) ? largest : null
}

/** How many requests a client may have sent before, and still be new. */
export const maxSentBefore = ({ requests }: Culprit) => Math.floor(MAX_SENT_BEFORE * requests)

/** @param sentBefore in the week before; null where only the hour before is known */
export function describeNewClient(
  name: string,
  { client, requests, excess }: Culprit,
  rise: Rise,
  { before, during }: BeforeAndDuring,
  sentBefore: number | null,
): FoundChange {
  const inHour = `${count(before.requestsOf(client))} in the hour before`
  const sent = sentBefore === null ? inHour : `${count(sentBefore)} in the week before`
  const share = percent(Math.min(1, excess / rise.excess))
  const detail = `A new client, ${name}, sent ${count(requests)} requests, ${share} of those above the usual number; it sent ${sent}.`
  return { kind: 'new_client', atMs: during.firstOf(client), detail }
}

export function describeRetryStorm({ atMs, clients, retries, share, times }: RetryStorm): FoundChange {
  const who = clients === 1 ? 'A client repeats' : `${count(clients)} clients repeat`
  const rate = `${times >= 10 ? count(times) : times.toFixed(1)} times the usual rate of these clients`
  const detail = `${who} failed requests without waiting: ${count(retries)} requests (${percent(share)}) came within a second of a failure of the same client, at ${rate}.`
  return { kind: 'retry_storm', atMs, detail }
}

const count = (value: number) => Math.round(value).toLocaleString('en-US')
const percent = (share: number) => `${Math.round(100 * share)} %`

/** The time of day, as clocks there show it: `14:02`. */
function clock(atMs: number, timeZone: string): string {
  const minute = localTimeOf(timeZone)(atMs).minuteOfWeek % 1440
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`
}
