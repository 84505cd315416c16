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
import type { JudgedRound } from '../models/watch/judge-round.js'
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
  /** What this replica does, from memory. */
  readonly own: OwnWatch
  /** Calls back with each minute of the log that this replica has judged and stored. The listener does not throw. */
  onRound(listener: (round: JudgedRound) => void): void
}

export interface OwnWatch {
  readonly state: WatcherStatus['state']
  /** Whether this replica is the one that watches. */
  readonly isHolder: boolean
  /** Every minute before this one is judged, ms since 1970; null where this replica has not watched. */
  readonly judgedToMs: number | null
  /** How long after its end a minute is judged, ms. */
  readonly delayMs: number
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
const MAX_CLOSE_MS = 3_000

const NOT_WATCHING = { isHolder: false, judgedToMs: null, delayMs: 0 }
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
  let isHolder = false
  let hasFailed = false

  const onWritten = (written: readonly WrittenIncident[], timeMs: number): void => {
    const isDue = (timeMs / MINUTE_MS) % AGAIN_MINUTES === 0
    for (const { incident, kind } of written) if (kind !== null || isDue) investigations.begin(incident.id)
  }
  const step = async (): Promise<void> => {
    await database.assertUsable()
    isHolder = await lease.hold()
    if (!isHolder) {
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
        isHolder = false // until it is known again
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
    get own(): OwnWatch {
      const progress = watch?.progress ?? null
      const lagMs = progress ? lagOf(progress.lateness, options.now()) : 0
      const judgedToMs = progress?.judgedToMs ?? null
      return { state: stateOf(situation), isHolder, judgedToMs, delayMs: options.delayMs + lagMs }
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
    const listeners: ((round: JudgedRound) => void)[] = []
    const loopOptions = (): WatcherOptions => ({
      onRound: (round) => listeners.forEach((listener) => listener(round)),
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
      get own() {
        return loop?.own ?? { ...NOT_WATCHING, state: watch === 'off' ? 'off' : 'elsewhere' }
      },
      onRound: (listener) => void listeners.push(listener),
    } satisfies Watcher)
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

function stateOf(situation: WatchSituation | null): 'elsewhere' | 'waiting' | 'watching' {
  if (situation === null) return 'elsewhere'
  return situation.mode === 'waiting' ? 'waiting' : 'watching'
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
  return {
    state: config.watch === 'off' ? 'off' : stateOf(situation),
    reason: situation?.reason ?? null,
    judgedTo: progress && new Date(progress.judgedToMs),
    delaySeconds: (config.watchDelayMs + (progress ? lagOf(progress.lateness, Date.now()) : 0)) / 1000,
    endpoints: current?.endpoints ?? 0,
    model: current?.modelVersion ?? null,
  }
}
