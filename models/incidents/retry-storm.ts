import type { BeforeAndDuring } from './culprits.js'

/** Clients that try again without waiting. */
export interface RetryStorm {
  /** When the first of them did, ms since 1970. */
  readonly atMs: number
  readonly clients: number
  /** Requests within a second after a failure of the same client. */
  readonly retries: number
  /** Of all requests of the incident, 0…1. */
  readonly share: number
  /** How often the rate of these clients is that of before. */
  readonly times: number
}

/** Below these, a storm would make no difference. */
const MIN_RETRIES = 50
const MIN_SHARE = 0.2
/** Far above the rate of before. */
const MIN_TIMES = 2
/** Of the requests after a failure: most come at once, where clients with a backoff would wait. */
const MIN_AT_ONCE = 0.5
/** After a failure, they come at once this much more often than they usually do. */
const MIN_RATIO = 3

/**
 * Finds a retry storm in the arrivals of single clients: after a failure (429, or 500 and above), most of them come back
 * within a second, they do so far more often than after a success, and the clients that do send far more than before. Programs
 * that send many requests a second at any time, and floods of clients that were not there before, are none. A backoff keeps
 * clients away for longer than a second, at the third failure at the latest.
 *
 * @returns null where there is none
 */
export function findRetryStorm({ before, beforeMs, during, duringMs }: BeforeAndDuring): RetryStorm | null {
  const { atOnce, arrivals } = during.afterFailure
  if (atOnce < MIN_RETRIES || atOnce < MIN_AT_ONCE * arrivals || beforeMs <= 0) return null
  if (atOnce < MIN_SHARE * during.requests) return null
  const usual = [before.afterSuccess, during.afterSuccess].reduce(
    (sum, each) => ({ arrivals: sum.arrivals + each.arrivals, atOnce: sum.atOnce + each.atOnce }),
    { arrivals: 1, atOnce: 0 },
  )
  if (atOnce / arrivals < (MIN_RATIO * usual.atOnce) / usual.arrivals) return null
  let [clients, requests, requestsBefore] = [0, 0, 0]
  for (let client = 0; client < during.nClients; client++) {
    if (during.retriesOf(client) === 0 || before.requestsOf(client) === 0) continue
    clients++
    requests += during.requestsOf(client)
    requestsBefore += before.requestsOf(client)
  }
  if (clients === 0) return null
  const times = requests / duringMs / (requestsBefore / beforeMs)
  if (times < MIN_TIMES) return null
  return { atMs: during.firstRetryMs!, clients, retries: atOnce, share: atOnce / during.requests, times }
}
