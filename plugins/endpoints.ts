import fp from 'fastify-plugin'
import type { Sql } from 'postgres'
import { inSlices } from '../db/in-slices.js'
import type { Log } from '../db/log.js'
import { dropStoredRules, readStoredRules, storeRules } from '../db/own/path-rules.js'
import { followedRules, readFolding, readPositions } from '../db/traffic/endpoint-folding.js'
import {
  isWithoutEndpoints,
  listEndpoints,
  type EndpointFilter,
  type ListedEndpoint,
} from '../db/traffic/endpoint-list.js'
import { newestRequest } from '../db/traffic/newest-request.js'
import { frequentPaths } from '../db/traffic/path-preview.js'
import { updateRollups } from '../db/traffic/rollups.js'
import { hasRenamed } from '../db/traffic/rollups/renamed-ranges.js'
import { readOpenApi } from '../formats/openapi/read-openapi.js'
import { DAY_MS } from '../models/traffic/durations.js'
import { EndpointFolding } from '../models/traffic/endpoint-folding.js'
import {
  areSameRules,
  NO_RULES,
  parsePathRules,
  PathRulesError,
  type PathRules,
} from '../models/traffic/path-rules.js'
import { previewRules, type RulesPreview } from '../models/traffic/rules-preview.js'
import type { Database } from './database.js'
import { ServiceError } from './http/errors.js'
import { createRefresh, type Refresh } from './rollup-refresh.js'
import { explainTableError } from './http/table-errors.js'
import type { TrafficTable } from '../db/traffic/table.js'
import type { CurrentTable } from './traffic-table.js'

export interface EndpointsRequest extends Omit<EndpointFilter, 'from'> {
  readonly days: number
}

export interface EndpointPage {
  readonly endpoints: ListedEndpoint[]
  readonly total: number
  readonly warnings: readonly string[]
}

export interface PreviewAnswer extends RulesPreview {
  readonly from: Date
  readonly to: Date
  /** False: rarer paths were left out. */
  readonly complete: boolean
}

/** The rules in force. */
export interface RulesInForce {
  /** Set by a request, or from PATH_RULES. */
  readonly source: 'stored' | 'environment' | 'none'
  readonly rules: PathRules
  /** When they were set by a request. */
  readonly updatedAt: Date | null
  /** Whether all of the history follows them. */
  readonly isApplied: boolean
}

export interface Endpoints {
  /** Brought up to date before; warnings say where that was not possible. @throws ServiceError DATABASE_UNAVAILABLE */
  list(request: EndpointsRequest): Promise<EndpointPage>
  /** Brings what is known of endpoints up to date, within two seconds. */
  readonly refresh: Refresh
  /**
   * What rules would do to the last week. It ends at the signal.
   * @throws ServiceError INVALID_REQUEST, TRAFFIC_TABLE_UNUSABLE, BUSY
   */
  preview(rules: unknown, signal: AbortSignal): Promise<PreviewAnswer>
  /** @throws ServiceError DATABASE_UNAVAILABLE */
  rules(): Promise<RulesInForce>
  /**
   * Rules for all replicas, instead of those of PATH_RULES. The history is rolled up again in the background.
   * @throws ServiceError INVALID_REQUEST, DATABASE_UNAVAILABLE
   */
  setRules(rules: unknown): Promise<RulesInForce & { changed: boolean }>
  /** Those of PATH_RULES are in force again. @throws ServiceError DATABASE_UNAVAILABLE */
  dropRules(): Promise<RulesInForce & { changed: boolean }>
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
/** Then it answers with the paths that it has looked at. */
const MAX_LOOKING_MS = 10_000

/** How often history is looked for that has to be rolled up again. */
const PAUSE_MS = 60_000

const NOT_COMPLETE =
  'The newest requests could not be counted within 2 seconds, so endpoints may be missing. POST /train counts all of them.'

const MAX_DAYS = 90

function onlyOlder(from: Date, newest: Date, retentionDays: number): string {
  const seen = `No endpoint was seen since ${from.toISOString()}; the newest request is of ${newest.toISOString()}.`
  const days = Math.min(MAX_DAYS, retentionDays)
  return `${seen} Give more days, up to ${days}. The endpoints of an older log are in GET /export/endpoint-profiles after POST /train with from and to.`
}

function createEndpoints(options: EndpointsOptions): Endpoints {
  const { sql, database, currentTable, now, log, ...following } = options
  const stopping = new AbortController()
  let isPreviewing = false

  /** Where endpoints have new names, an update takes a bounded part of the history. This goes on with the rest. */
  const background = inBackground(async (isUrgent) => {
    const table = await currentTable()
    if (!isUrgent && !(await isBehind(sql, table))) return
    await updateRollups(sql, { table, now: now(), ...following, log, signal: stopping.signal })
  }, log)

  const refresh = createRefresh(sql, { ...following, currentTable, now, log, stopping: stopping.signal })
  const rules = async (): Promise<RulesInForce> => {
    await database.assertUsable()
    const stored = await readStoredRules(sql)
    const rules = stored?.rules ?? options.pathRules
    const table = await currentTable()
    const followed = await followedRules(sql, table)
    const isApplied = followed === null || (areSameRules(rules, followed) && !(await hasRenamed(sql, table)))
    const source = stored ? 'stored' : areSameRules(rules, NO_RULES) ? 'none' : 'environment'
    return { source, rules, updatedAt: stored?.updatedAt ?? null, isApplied }
  }
  const change = async (write: () => Promise<boolean>) => {
    await database.assertUsable()
    const changed = await write()
    if (changed) background.begin()
    return { ...(await rules()), changed }
  }

  return {
    refresh,
    async list({ days, ...filter }) {
      await database.assertUsable()
      const isComplete = await refresh()
      const table = await currentTable()
      const from = new Date(now().getTime() - days * DAY_MS)
      const page = await listEndpoints(sql, table, { ...filter, from })
      const isEmpty = page.total === 0 && (await isWithoutEndpoints(sql, table, from))
      const newest = isEmpty ? await newestRequest(options.trafficSql, table).catch(() => null) : null
      const warnings = [
        ...(isComplete ? [] : [NOT_COMPLETE]),
        ...(newest !== null && newest < from ? [onlyOlder(from, newest, options.retentionDays)] : []),
      ]
      return { ...page, warnings }
    },
    async preview(document, signal) {
      const rules = parsed(document)
      if (isPreviewing) throw new ServiceError('BUSY', 'Another preview is under way. Try again shortly.')
      isPreviewing = true
      try {
        return await preview(options, rules, AbortSignal.any([signal, stopping.signal]))
      } finally {
        isPreviewing = false
      }
    },
    rules,
    setRules(document) {
      const rules = parsed(document)
      return change(() => storeRules(sql, rules))
    },
    dropRules: () => change(() => dropStoredRules(sql)),
    close() {
      background.stop()
      stopping.abort(new ServiceError('SHUTTING_DOWN', 'The service is stopping.'))
    },
  }
}

async function preview(
  { sql, trafficSql, database, currentTable, now }: EndpointsOptions,
  rules: PathRules,
  signal: AbortSignal,
): Promise<PreviewAnswer> {
  await database.assertTraffic()
  const table = await currentTable()
  const to = now()
  const range = { from: new Date(to.getTime() - PREVIEW_DAYS * DAY_MS), to }
  const paths = await frequentPaths(trafficSql, table, range, MAX_PREVIEW, signal).catch((error: unknown) => {
    const problem = `The table ${table} cannot be read`
    throw explainTableError(error, { code: 'TRAFFIC_TABLE_UNUSABLE', problem })
  })
  const next = new EndpointFolding(rules, await readPositions(sql, table))
  const untilMs = performance.now() + MAX_LOOKING_MS
  const steps = previewRules(paths, await readFolding(sql, table), next, () => performance.now() > untilMs)
  const found = await inSlices(steps, signal)
  return { ...found, ...range, complete: found.paths === paths.length && paths.length < MAX_PREVIEW.maxPaths }
}

/** Whether some of the history is to be rolled up again, or rules were stored that it does not follow yet. */
async function isBehind(sql: Sql, table: TrafficTable): Promise<boolean> {
  if (await hasRenamed(sql, table)) return true
  const [stored, followed] = [await readStoredRules(sql), await followedRules(sql, table)]
  return stored !== null && followed !== null && !areSameRules(stored.rules, followed)
}

/** Does some work once a minute, and at once when it is urgent; never twice at a time. What fails is urgent a minute later. */
function inBackground(work: (isUrgent: boolean) => Promise<void>, log: Log) {
  let running = false
  let isUrgent = false
  const begin = async (): Promise<void> => {
    if (running) return
    running = true
    let hasFailed = false
    do {
      const urgent = isUrgent
      isUrgent = false
      await work(urgent).catch((error: unknown) => {
        log.debug({ err: error }, 'the history could not be rolled up again yet')
        hasFailed = true
        isUrgent ||= urgent
      })
    } while (isUrgent && !hasFailed)
    running = false
  }
  const timer = setInterval(() => void begin(), PAUSE_MS).unref()
  return {
    begin() {
      isUrgent = true
      void begin()
    },
    stop: () => clearInterval(timer),
  }
}

function parsed(document: unknown): PathRules {
  try {
    return parsePathRules(document, readOpenApi)
  } catch (error) {
    if (!(error instanceof PathRulesError)) throw error
    const field = error.field === '' ? 'rules' : `rules.${error.field}`
    throw new ServiceError('INVALID_REQUEST', `rules: ${error.message}.`, [{ field, problem: error.problem }])
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
