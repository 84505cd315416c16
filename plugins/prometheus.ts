import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import fp from 'fastify-plugin'
import type { Sql } from 'postgres'
import type { Log } from '../db/log.js'
import { prometheusFigures } from '../db/traffic/prometheus-minutes.js'
import type { History } from '../models/anomaly/regular-history.js'
import { MINUTE_MS } from '../models/traffic/durations.js'
import type { PrometheusConfig } from './config/prometheus.js'
import type { Database } from './database.js'
import { ServiceError } from './http/errors.js'
import { catchUp, SETTLE_MS } from './prometheus/catch-up.js'
import { createPrometheusClient, PrometheusError } from './prometheus/client.js'

interface Range {
  readonly from: Date
  readonly to: Date
}

/** The minutes of the gateway that Prometheus has. They are fetched into a table of ours, once a minute. */
export interface Prometheus {
  /** What is wrong with Prometheus, as a sentence; undefined when nothing is. */
  readonly problem: string | undefined
  /**
   * Fetches what is missing up to now, and waits for a replica that does. An outage of Prometheus is no failure: it is
   * the problem then.
   */
  catchUp(signal: AbortSignal, onProgress: (share: number) => void): Promise<void>
  /** The fetched minutes of a range, in the shape of those of the traffic table. */
  minutes(range: Range & { readonly exclude?: readonly Range[] }, signal: AbortSignal): Promise<History>
}

interface FetchingPrometheus extends Prometheus {
  /** Fetches every minute until it is closed. */
  start(): void
  close(): Promise<void>
}

export interface PrometheusOptions {
  readonly sql: Sql
  readonly database: Pick<Database, 'assertUsable'>
  readonly config: PrometheusConfig
  readonly retentionDays: number
  readonly now: () => number
  readonly log: Log
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Null without PROMETHEUS_URL. */
    prometheus: Prometheus | null
  }
}

/** Pauses after a failure. */
const MIN_PAUSE_MS = 1_000
const MAX_PAUSE_MS = MINUTE_MS

function createPrometheus(options: PrometheusOptions): FetchingPrometheus {
  const { sql, database, config, retentionDays, now, log } = options
  const { source } = config
  const client = createPrometheusClient(config, now)
  const queries = createHash('sha256')
    .update(JSON.stringify([config.url, config.queries]))
    .digest('hex')
  const closing = new AbortController()
  let problem: string | undefined
  let running: Promise<void> = Promise.resolve()

  const note = (found: string | undefined): void => {
    if (found !== undefined && found !== problem)
      log.warn({ source, problem: found }, 'Prometheus has a problem')
    if (found === undefined && problem !== undefined)
      log.info({ source }, 'Prometheus has no problem any more')
    problem = found
  }

  /** @returns whether everything up to now is fetched */
  const fetchMinutes = async (
    signal: AbortSignal,
    wait: boolean,
    onProgress?: (share: number) => void,
  ): Promise<boolean> => {
    await database.assertUsable()
    try {
      const progress = onProgress ? { onProgress } : {}
      const fetching = { sql, client, source, queries, retentionDays, now, log, signal, wait }
      const latest = await catchUp({ ...fetching, ...progress })
      if (latest === undefined) return false // another replica does; what it finds is in the table soon
      note(latest === 0 ? noData(config) : undefined)
      return true
    } catch (error) {
      if (!(error instanceof PrometheusError)) throw error
      note(unreachable(error))
      return false
    }
  }

  const run = async (signal: AbortSignal): Promise<void> => {
    for (let pauseMs = MIN_PAUSE_MS; !signal.aborted;) {
      const fetched = await fetchMinutes(signal, false).catch((error: unknown) => {
        if (!signal.aborted) log.debug({ err: error }, 'no minutes are fetched from Prometheus now')
        return false
      })
      const untilNextMs = MINUTE_MS - ((now() - SETTLE_MS) % MINUTE_MS)
      const waitMs = fetched ? untilNextMs : pauseMs
      pauseMs = fetched ? MIN_PAUSE_MS : Math.min(2 * pauseMs, MAX_PAUSE_MS)
      await delay(waitMs, undefined, { signal }).catch(() => undefined)
    }
  }

  return {
    get problem() {
      return problem
    },
    async catchUp(signal, onProgress) {
      await fetchMinutes(AbortSignal.any([signal, closing.signal]), true, onProgress)
    },
    minutes: (range, signal) => prometheusFigures(sql, source, range, signal),
    start() {
      running = run(closing.signal)
    },
    async close() {
      closing.abort(new ServiceError('SHUTTING_DOWN', 'The service is stopping.'))
      await running
    },
  }
}

function unreachable({ message, isTransient }: PrometheusError): string {
  const next = isTransient
    ? 'The missing minutes are fetched when it answers again.'
    : 'No minutes are fetched until this is corrected.'
  return `Prometheus gives no minutes: ${message.replace(/\.$/, '')}. ${next}`
}

function noData({ source }: PrometheusConfig): string {
  return `Prometheus has no requests of ${source} in the last minutes. Check that it scrapes the gateway, and PROMETHEUS_PRESET, PROMETHEUS_SELECTOR or PROMETHEUS_QUERIES.`
}

/** `fastify.prometheus`. */
export default fp(
  async (app) => {
    const { config, sql, database, log } = app
    if (config.prometheus === null) {
      app.decorate('prometheus', null)
      return
    }
    const prometheus = createPrometheus({
      ...{ sql, database, log, config: config.prometheus, retentionDays: config.retentionDays },
      now: Date.now,
    })
    app.decorate('prometheus', prometheus)
    app.addHook('onReady', async () => prometheus.start())
    app.addHook('preClose', () => prometheus.close())
  },
  { name: 'prometheus', dependencies: ['config', 'database'] },
)
