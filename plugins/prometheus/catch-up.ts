import type { Sql } from 'postgres'
import type { Log } from '../../db/log.js'
import { withPrometheusLease, type PrometheusLease } from '../../db/traffic/prometheus-minutes.js'
import { DAY_MS, MINUTE_MS } from '../../models/traffic/durations.js'
import { PrometheusError, type PrometheusClient } from './client.js'

export interface CatchUpOptions {
  readonly sql: Sql
  readonly client: PrometheusClient
  readonly source: string
  readonly queries: string
  readonly retentionDays: number
  readonly now: () => number
  readonly log: Log
  readonly signal: AbortSignal
  readonly wait: boolean
  readonly onProgress?: (share: number) => void
}

/** A minute is asked for this long after its end: its last scrape takes up to ten seconds. */
export const SETTLE_MS = 30_000

/** Minutes before the last fetched one are asked for again: samples may arrive late. */
const REREAD_MS = 10 * MINUTE_MS

/**
 * Minutes that are asked for at a time. Prometheus returns at most 11,000 points, and loads a limited number of samples:
 * a range that is too much for it is halved, down to an hour.
 */
const PIECE_MS = DAY_MS
const MIN_PIECE_MS = 60 * MINUTE_MS

/**
 * Fetches the minutes of a source from the last fetched one to now; the first time from the beginning of the retention.
 * It is stored piece by piece, and continues from the last whole piece.
 *
 * @returns how many of the last ten minutes are in the table now; undefined when another replica fetches
 * @throws PrometheusError
 */
export function catchUp(options: CatchUpOptions): Promise<number | undefined> {
  const { sql, source, queries, signal, wait, log } = options
  return withPrometheusLease(sql, { source, queries, signal, wait }, async (lease) => {
    const toMs = Math.floor((options.now() - SETTLE_MS) / MINUTE_MS) * MINUTE_MS
    const oldestMs = toMs - options.retentionDays * DAY_MS
    const fetchedTo = await lease.fetchedTo()
    const fromMs = Math.max(oldestMs, fetchedTo === null ? oldestMs : fetchedTo.getTime() - REREAD_MS)
    const recentMs = toMs - REREAD_MS
    if (fetchedTo !== null && fetchedTo.getTime() >= toMs) return lease.minutesSince(new Date(recentMs))
    const isLong = toMs - fromMs > PIECE_MS
    if (isLong) log.debug({ source, from: new Date(fromMs) }, 'fetching the history from Prometheus')
    await fetchRange(lease, options, fromMs, toMs)
    await lease.forgetBefore(new Date(oldestMs))
    const recent = await lease.minutesSince(new Date(recentMs))
    if (isLong && recent > 0) log.info({ source }, 'the history from Prometheus is fetched')
    return recent
  })
}

async function fetchRange(
  lease: PrometheusLease,
  { client, signal, onProgress, log }: CatchUpOptions,
  fromMs: number,
  toMs: number,
): Promise<void> {
  let pieceMs = PIECE_MS
  for (let nextMs = fromMs; nextMs < toMs;) {
    signal.throwIfAborted()
    await lease.renew()
    const endMs = Math.min(nextMs + pieceMs, toMs)
    try {
      const minutes = await client.minutes(nextMs, endMs, signal)
      await lease.store(minutes, new Date(endMs))
    } catch (error) {
      const isTooMuch = error instanceof PrometheusError && error.isTooMuch
      if (!isTooMuch || endMs - nextMs <= MIN_PIECE_MS) throw error
      pieceMs = Math.max(MIN_PIECE_MS, Math.floor((endMs - nextMs) / 2 / MINUTE_MS) * MINUTE_MS)
      log.debug({ err: error, minutes: pieceMs / MINUTE_MS }, 'asking Prometheus for a shorter range')
      continue
    }
    nextMs = endMs
    onProgress?.((nextMs - fromMs) / (toMs - fromMs))
  }
}
