import fp from 'fastify-plugin'
import type { Sql } from 'postgres'
import { findDeployments, putDeployment, type StoredDeployment } from '../db/own/deployments.js'
import { DAY_MS, MINUTE_MS } from '../models/traffic/durations.js'
import { canonicalEndpoint } from '../models/traffic/endpoint-name.js'
import type { Database } from './database.js'
import { createRecentDeployments } from './deployments/recent.js'
import { invalidField } from './http/errors.js'
import { parseTime } from './http/validation.js'
import { nextOf, placeOf } from './incidents/page.js'

/** A deployment as it is reported; the time is ISO-8601. */
export interface ReportedDeployment {
  readonly source?: string | undefined
  readonly endpoint?: string | undefined
  readonly version: string
  /** Now, when it is not given. */
  readonly at?: string | undefined
}

/** Which deployments are asked for; times are ISO-8601. */
export interface DeploymentsRequest {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly source?: string | undefined
  readonly endpoint?: string | undefined
  readonly limit?: number | undefined
  readonly next?: string | undefined
}

/** What was deployed. An incident that begins after a deployment says so. */
export interface Deployments {
  /** Stores a deployment; the same one again is the one that is stored. @throws ServiceError INVALID_REQUEST */
  report(deployment: ReportedDeployment): Promise<StoredDeployment>
  /** The newest first; `next` is where the following page begins, null at the end. @throws ServiceError INVALID_REQUEST */
  list(
    request: DeploymentsRequest,
  ): Promise<{ readonly deployments: readonly StoredDeployment[]; readonly next: string | null }>
}

declare module 'fastify' {
  interface FastifyInstance {
    deployments: Deployments
  }
}

interface DeploymentsOptions {
  readonly sql: Sql
  readonly database: Pick<Database, 'assertUsable'>
  readonly retentionDays: number
  /** Called when a deployment is stored. */
  readonly onReported: () => void
  readonly now: () => Date
}

const DEFAULT_LIMIT = 50
/** Clocks may differ by so much. */
const MAX_AHEAD_MS = 10 * MINUTE_MS

function createDeployments({
  sql,
  database,
  retentionDays,
  onReported,
  now,
}: DeploymentsOptions): Deployments {
  return {
    async report({ source = null, endpoint = null, version, at }) {
      if (source !== null && endpoint !== null) {
        throw invalidField('endpoint', 'cannot be given together with source')
      }
      const nowMs = now().getTime()
      const atMs = at === undefined ? nowMs : parseTime(at)! // of the schema
      const oldestMs = nowMs - retentionDays * DAY_MS
      if (atMs > nowMs + MAX_AHEAD_MS || atMs < oldestMs) {
        const allowed = `a time from ${new Date(oldestMs).toISOString()} (RETENTION_DAYS) to now`
        throw invalidField('at', `is ${new Date(atMs).toISOString()}; allowed is ${allowed}`)
      }
      await database.assertUsable()
      const stored = await putDeployment(sql, {
        source,
        endpoint: endpoint && canonicalEndpoint(endpoint),
        version,
        atMs,
      })
      onReported()
      return stored
    },
    async list({ from, to, source = null, endpoint = null, limit = DEFAULT_LIMIT, next }) {
      const time = (text: string | undefined) => (text === undefined ? null : new Date(parseTime(text)!))
      const range = { from: time(from), to: time(to) }
      if (range.from && range.to && range.from >= range.to) {
        throw invalidField('from', `is ${range.from.toISOString()}; allowed is a time before to`)
      }
      const place = next === undefined ? null : placeOf(next)
      const after = place && { atMs: place.startedMs, id: place.id }
      await database.assertUsable()
      const filter = { ...range, source, endpoint: endpoint && canonicalEndpoint(endpoint), after }
      const found = await findDeployments(sql, { ...filter, limit: limit + 1 })
      const deployments = found.slice(0, limit)
      const last = deployments.at(-1)
      const hasMore = found.length > limit && last !== undefined
      return { deployments, next: hasMore ? nextOf({ startedMs: last.atMs, id: last.id }) : null }
    },
  }
}

/** `fastify.deployments`. */
export default fp(
  async (app) => {
    const { sql, database, detection, config, log } = app
    const { retentionDays } = config
    const recent = createRecentDeployments({ sql, database, log, now: Date.now })
    detection.knowDeployments((source) => recent.of(source))
    const onReported = recent.refresh
    app.decorate(
      'deployments',
      createDeployments({ sql, database, retentionDays, onReported, now: () => new Date() }),
    )
    app.addHook('onReady', async () => onReported())
    app.addHook('preClose', () => recent.close())
  },
  { name: 'deployments', dependencies: ['config', 'database', 'detection'] },
)
