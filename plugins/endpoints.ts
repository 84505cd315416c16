import fp from 'fastify-plugin'
import type { Sql } from 'postgres'
import type { Log } from '../db/log.js'
import { readFolding, readPositions } from '../db/traffic/endpoint-folding.js'
import { listEndpoints, type EndpointFilter, type ListedEndpoint } from '../db/traffic/endpoint-list.js'
import { frequentPaths } from '../db/traffic/path-preview.js'
import { updateRollups } from '../db/traffic/rollups.js'
import { hasRenamed } from '../db/traffic/rollups/renamed-ranges.js'
import { DAY_MS } from '../models/traffic/durations.js'
import { EndpointFolding } from '../models/traffic/endpoint-folding.js'
import { parsePathRules, type PathRules } from '../models/traffic/path-rules.js'
import { previewRules, type RulesPreview } from '../models/traffic/rules-preview.js'
import type { Database } from './database.js'
import { ServiceError } from './http/errors.js'
import { explainTableError } from './http/table-errors.js'
import type { CurrentTable } from './traffic-table.js'

export interface EndpointsRequest extends Omit<EndpointFilter, 'from'> {
  readonly days: number
}

export interface PreviewAnswer extends RulesPreview {
  readonly from: Date
  readonly to: Date
  readonly paths: number
  /** False: rarer paths were left out. */
  readonly complete: boolean
}

export interface Endpoints {
  /** As the last update of the rollups left them. @throws ServiceError DATABASE_UNAVAILABLE */
  list(request: EndpointsRequest): Promise<{ endpoints: ListedEndpoint[]; total: number }>
  /** What rules would do to the last week. @throws ServiceError INVALID_REQUEST, TRAFFIC_TABLE_UNUSABLE */
  preview(rules: unknown): Promise<PreviewAnswer>
  close(): void
}

export interface EndpointsOptions {
  readonly sql: Sql
  /** Of the request log. */
  readonly trafficSql: Sql
  readonly database: Pick<Database, 'assertUsable' | 'assertTraffic'>
  readonly currentTable: CurrentTable
  readonly retentionDays: number
  readonly lookBackMinutes: number
  readonly pathRules: PathRules
  readonly log: Log
  readonly now: () => Date
}

declare module 'fastify' {
  interface FastifyInstance {
    endpoints: Endpoints
  }
}

const PREVIEW_DAYS = 7
const MAX_PREVIEW = { maxPaths: 50_000, maxMs: 20_000 }

/** How often history is looked for that has to be rolled up again. */
const PAUSE_MS = 60_000

function createEndpoints(options: EndpointsOptions): Endpoints {
  const { sql, database, currentTable, now, log, ...following } = options
  const stopping = new AbortController()

  /** Where endpoints have new names, an update takes a bounded part of the history. This goes on with the rest. */
  const goOn = async (): Promise<void> => {
    const table = await currentTable()
    if (!(await hasRenamed(sql, table))) return
    await updateRollups(sql, { table, now: now(), ...following, log, signal: stopping.signal })
  }
  let goingOn: Promise<void> | undefined
  const timer = setInterval(() => {
    goingOn ??= goOn()
      .catch((error: unknown) => log.debug({ err: error }, 'the history could not be rolled up again yet'))
      .finally(() => (goingOn = undefined))
  }, PAUSE_MS)
  timer.unref()

  return {
    async list({ days, ...filter }) {
      await database.assertUsable()
      const from = new Date(now().getTime() - days * DAY_MS)
      return listEndpoints(sql, await currentTable(), { ...filter, from })
    },
    async preview(document) {
      const rules = parsed(document)
      await database.assertTraffic()
      const table = await currentTable()
      const to = now()
      const range = { from: new Date(to.getTime() - PREVIEW_DAYS * DAY_MS), to }
      const paths = await frequentPaths(options.trafficSql, table, range, MAX_PREVIEW).catch(
        (error: unknown) => {
          const problem = `The table ${table} cannot be read`
          throw explainTableError(error, { code: 'TRAFFIC_TABLE_UNUSABLE', problem })
        },
      )
      const next = new EndpointFolding(rules, await readPositions(sql, table))
      const preview = previewRules(paths, await readFolding(sql, table), next)
      return { ...preview, ...range, paths: paths.length, complete: paths.length < MAX_PREVIEW.maxPaths }
    },
    close() {
      clearInterval(timer)
      stopping.abort(new ServiceError('SHUTTING_DOWN', 'The service is stopping.'))
    },
  }
}

function parsed(document: unknown): PathRules {
  try {
    return parsePathRules(document, () => {
      throw new TypeError('openapi must be an OpenAPI document')
    })
  } catch (error) {
    const [field, ...problem] = (error as Error).message.split(' ')
    const details = [{ field: `rules.${field}`, problem: problem.join(' ') }]
    throw new ServiceError('INVALID_REQUEST', `rules: ${(error as Error).message}.`, details)
  }
}

/** `fastify.endpoints`. */
export default fp(
  async (app) => {
    const { config, sql, trafficSql, database, log } = app
    const { retentionDays, lookBackMinutes, pathRules } = config
    const endpoints = createEndpoints({
      ...{ sql, trafficSql, database, log, retentionDays, lookBackMinutes, pathRules },
      currentTable: app.trafficTable,
      now: () => new Date(),
    })
    app.decorate('endpoints', endpoints)
    app.addHook('preClose', async () => endpoints.close())
  },
  { name: 'endpoints', dependencies: ['config', 'database', 'traffic-table'] },
)
