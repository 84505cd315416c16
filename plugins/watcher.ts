import { setTimeout as delay } from 'node:timers/promises'
import fp from 'fastify-plugin'
import type { Sql } from 'postgres'
import { describeDatabaseError, isDatabaseAway, isTableUnusable } from '../db/errors.js'
import { LOCKS } from '../db/lease.js'
import type { Log } from '../db/log.js'
import type { WrittenIncident } from '../db/own/incident-book.js'
import { readWatchProgress } from '../db/own/watch-state.js'
import { ONE_CONNECTION } from '../db/pool.js'
import { MINUTE_MS } from '../models/traffic/durations.js'
import { lagOf } from '../models/watch/lateness.js'
import type { Config } from './config.js'
import type { Database } from './database.js'
import { createInvestigations } from './watcher/investigations.js'
import { createLease } from './watcher/lease.js'
import { createWatchedLog, type WatchedLog } from './watcher/log.js'
import { createWatchedPrometheus } from './watcher/prometheus-log.js'
import { createModelCare } from './watcher/model-care.js'
import { OvertakenError } from './watcher/commit.js'
import type { WatchSituation } from './watcher/situation.js'
import { Watch, type WatchOptions } from './watcher/watch.js'

/** Judges each finished minute of the gateway, its endpoints and its sources, on one replica at a time. */
export interface Watcher {
  status(): Promise<WatcherStatus>
}

export interface WatcherStatus {
  /** elsewhere: another replica watches. */
  readonly state: 'watching' | 'elsewhere' | 'waiting' | 'off'
  /** What is missing, in a sentence; null when nothing is. */
  readonly reason: string | null
  /** Every minute before this one is judged; null before the first. */
  readonly judgedTo: Date | null
  /** How long after its end a minute is judged. */
  readonly delaySeconds: number
  /** Endpoints that have a model. */
  readonly endpoints: number
  /** The version of the gateway's model that judges; null without one. */
  readonly model: string | null
}

declare module 'fastify' {
  interface FastifyInstance {
    watcher: Watcher
  }
}

const PAUSE_MS = 1_000
/** An incident that goes on is looked into again every so many minutes. */
const AGAIN_MINUTES = 5
const MAX_CLOSE_MS = 5_000

const OFF: WatchSituation = { mode: 'waiting', reason: 'WATCH is off.' }

interface WatcherOptions extends Omit<WatchOptions, 'onWritten'> {
  readonly database: Pick<Database, 'assertUsable' | 'openConnection'>
  readonly investigations: ReturnType<typeof createInvestigations>
  readonly care: ReturnType<typeof createModelCare>
  readonly log: Pick<Log, 'info' | 'debug' | 'warn'>
}

/** Watches while this replica has the right to. */
function createLoop(options: WatcherOptions) {
  const { database, investigations, care, log } = options
  const stopping = new AbortController()
  const lease = createLease(() => database.openConnection(ONE_CONNECTION), LOCKS.watcher)
  let watch: Watch | null = null
  let situation: WatchSituation | null = null
  let hasFailed = false

  const onWritten = (written: readonly WrittenIncident[], timeMs: number): void => {
    const isDue = (timeMs / MINUTE_MS) % AGAIN_MINUTES === 0
    for (const { incident, kind } of written) if (kind !== null || isDue) investigations.begin(incident.id)
  }
  const step = async (): Promise<void> => {
    await database.assertUsable()
    if (!(await lease.hold())) {
      watch = null
      situation = null
      return
    }
    care.look()
    watch ??= await Watch.recall({ ...options, onWritten })
    const before = situation?.mode
    situation = await watch.step(stopping.signal)
    if (before !== situation.mode) log.info(situation, 'what is watched has changed')
  }
  const run = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        await step()
        hasFailed = false
      } catch (error) {
        watch = null // what is stored is right
        if (stopping.signal.aborted) break
        tellOf(error)
      }
      await delay(PAUSE_MS, undefined, { signal: stopping.signal }).catch(() => undefined)
    }
  }
  const tellOf = (error: unknown): void => {
    if (error instanceof OvertakenError) return
    const isExpected = isDatabaseAway(error) || isTableUnusable(error)
    const level = hasFailed ? 'debug' : isExpected ? 'info' : 'warn'
    log[level](
      { err: isExpected ? describeDatabaseError(error) : error },
      'a minute could not be judged; trying again',
    )
    hasFailed = true
  }
  const running = run()
  return {
    get situation() {
      return situation
    },
    async close() {
      stopping.abort(new Error('The service is stopping.'))
      await Promise.race([running, delay(MAX_CLOSE_MS, undefined, { ref: false })])
      await Promise.all([lease.release(), care.close(), investigations.close()])
    },
  }
}

/** `fastify.watcher`. */
export default fp(
  async (app) => {
    const {
      config,
      sql,
      trafficSql,
      database,
      models,
      watchModels,
      incidents,
      notifications,
      feedback,
      log,
    } = app
    const { retentionDays, lookBackMinutes, pathRules, watch, watchDelayMs } = config
    const now = Date.now
    const updating = { retentionDays, lookBackMinutes, pathRules, log }
    const loopOptions = (): WatcherOptions => ({
      ...{
        sql,
        database,
        watchModels,
        incidents,
        feedback,
        log,
        now,
        delayMs: watchDelayMs,
        isAlways: watch === 'on',
      },
      watchedLog: whereModelLearned(
        createWatchedLog({ sql, trafficSql, currentTable: app.trafficTable, ...updating }),
        config.prometheus && createWatchedPrometheus(sql, config.prometheus.source),
        () => watchModels.ofGateway() !== null,
      ),
      announce: (tx, written, at) => notifications.announce(tx, written, at),
      investigations: createInvestigations({ incidents, log }),
      care: createModelCare({ models, watchModels, log, now }),
    })
    let loop: ReturnType<typeof createLoop> | undefined
    app.decorate('watcher', {
      status: () => statusOf(app, watch === 'off' ? OFF : (loop?.situation ?? null)),
    })
    app.addHook('onReady', async () => {
      if (watch !== 'off') loop = createLoop(loopOptions())
    })
    app.addHook('preClose', async () => loop?.close())
  },
  {
    name: 'watcher',
    dependencies: [
      ...[
        'config',
        'database',
        'traffic-table',
        'model-registry',
        'watch-models',
        'incidents',
        'notifications',
        'feedback',
      ],
    ],
  },
)

/** What is watched is what the active model has learned from. */
function whereModelLearned(
  table: WatchedLog,
  prometheus: WatchedLog | null,
  isPrometheus: () => boolean,
): WatchedLog {
  const chosen = () => (prometheus !== null && isPrometheus() ? prometheus : table)
  return {
    look: (...of) => chosen().look(...of),
    refresh: (...of) => chosen().refresh(...of),
    rounds: (...of) => chosen().rounds(...of),
    requests: (...of) => chosen().requests(...of),
  }
}

interface Statused {
  readonly sql: Sql
  readonly config: Pick<Config, 'watch' | 'watchDelayMs'>
  readonly watchModels: WatchOptions['watchModels']
}

/** @param situation null while another replica watches, or none has begun */
async function statusOf(
  { sql, config, watchModels }: Statused,
  situation: WatchSituation | null,
): Promise<WatcherStatus> {
  const progress = await readWatchProgress(sql)
  const current = watchModels.current() ?? watchModels.ofGateway()
  const state =
    config.watch === 'off'
      ? 'off'
      : situation === null
        ? 'elsewhere'
        : situation.mode === 'waiting'
          ? 'waiting'
          : 'watching'
  return {
    state,
    reason: situation?.reason ?? null,
    judgedTo: progress && new Date(progress.judgedToMs),
    delaySeconds: (config.watchDelayMs + (progress ? lagOf(progress.lateness, Date.now()) : 0)) / 1000,
    endpoints: current?.endpoints ?? 0,
    model: current?.modelVersion ?? null,
  }
}
