import { setTimeout as delay } from 'node:timers/promises'
import fp from 'fastify-plugin'
import type { Sql } from 'postgres'
import { describeDatabaseError } from '../db/errors.js'
import type { Log } from '../db/log.js'
import {
  automaticState,
  claimAttempt,
  endAttempt,
  type AutomaticOutcome,
  type AutomaticState,
} from '../db/own/automatic-training.js'
import type { Audit } from './audit.js'
import { automaticRequest, whyTooLittle } from './automatic-training/request.js'
import { nextTraining, type AttemptEnd, type TrainingPast } from './automatic-training/schedule.js'
import { DAY_MS } from '../models/traffic/durations.js'
import { ServiceError } from './http/errors.js'
import { MODEL_NAMES, storedName, type ActiveModels, type ModelRegistry } from './model-registry.js'
import type { Training } from './training.js'
import type { TrainingResult } from './training/result.js'
import type { CurrentTable } from './traffic-table.js'

/** The trainings that the service begins by itself. */
export interface AutomaticTraining {
  status(): AutomaticStatus
  /** Learns what was trained meanwhile. Never fails. */
  refresh(): Promise<void>
  /** Trains if a training is due, and waits for its end. Never fails. */
  look(): Promise<void>
}

export interface AutomaticStatus {
  /** Null when it is off. */
  readonly everyMs: number | null
  /** Null when none will come by itself. */
  readonly nextMs: number | null
  /** Why none will come by itself; null when one will, or when the database has not been read yet. */
  readonly pausedBecause: string | null
  /** Null before the first. */
  readonly last: AutomaticOutcome | null
}

declare module 'fastify' {
  interface FastifyInstance {
    automaticTraining: AutomaticTraining
  }
}

export interface AutomaticTrainingOptions {
  readonly sql: Sql
  readonly trafficSql: Sql
  readonly currentTable: CurrentTable
  readonly training: Pick<Training, 'beginAutomatic' | 'jobs'>
  readonly models: Pick<ModelRegistry, 'active'>
  readonly audit: Pick<Audit, 'recordOwn'>
  /** Null: never. */
  readonly everyMs: number | null
  readonly timeZone: string
  readonly retentionDays: number
  readonly hasPrometheus: boolean
  readonly log: Pick<Log, 'info' | 'debug'>
  readonly now: () => Date
}

const OFF = 'TRAIN_EVERY is off.'
const RESET =
  'The models were reset. POST /train, POST /model/load or POST /model/activate makes one active; automatic trainings go on from there.'

export function createAutomaticTraining(options: AutomaticTrainingOptions): AutomaticTraining {
  const { sql, training, models, audit, everyMs, timeZone, log, now } = options
  let state: AutomaticState | null = null
  let hasSaid = false

  const nextMs = (known: AutomaticState, every: number): number =>
    nextTraining({ everyMs: every, timeZone }, pastOf(known, models.active), now().getTime())

  const end = async (outcome: AutomaticOutcome['outcome'], reason: string, job: string | null) => {
    await endAttempt(sql, { endedAt: now().toISOString(), outcome, reason, version: null, job })
    if (outcome !== 'not_enough_data') return
    if (!hasSaid) log.info({ reason }, 'no automatic training')
    hasSaid = true
  }

  const orLater = async (work: () => Promise<void>): Promise<void> => {
    try {
      await work()
    } catch (error) {
      log.debug({ reason: describeDatabaseError(error) }, 'no automatic training now; trying again')
    }
  }

  const train = async (): Promise<void> => {
    const tooLittle = await whyTooLittle(options, models.active)
    if (tooLittle !== null) return end('not_enough_data', tooLittle, null)
    const request = automaticRequest(models.active, options)
    const begun = training.beginAutomatic(request, async (tx, result, job) => {
      await endAttempt(tx, { endedAt: now().toISOString(), job, ...outcomeOf(result) })
    })
    const run = await begun.catch((error: unknown) => end(...failureOf(error), null))
    if (run === undefined) return
    const job = run.job.id
    try {
      const { outcome, reason, version } = outcomeOf(await run.result)
      hasSaid = false
      log.info({ job, outcome, reason, version }, 'an automatic training has ended')
      await audit.recordOwn('train', null, { job, outcome, reason, version })
    } catch (error) {
      if (error instanceof ServiceError && error.code === 'SHUTTING_DOWN') return
      await end(...failureOf(error), job)
    }
  }

  const look = async (every: number): Promise<void> => {
    state = await automaticState(sql)
    if (isReset(state) || nextMs(state, every) > now().getTime()) return
    if ((await training.jobs.current()) !== null) return
    if (!(await claimAttempt(sql, now(), state.attemptedAt))) return
    try {
      await train()
    } finally {
      state = await automaticState(sql)
    }
  }

  return {
    status() {
      const last = state?.outcome ?? null
      if (everyMs === null) return { everyMs, nextMs: null, pausedBecause: OFF, last }
      if (state === null) return { everyMs, nextMs: null, pausedBecause: null, last }
      const known = withNewest(state, models.active)
      if (isReset(known)) return { everyMs, nextMs: null, pausedBecause: RESET, last }
      return { everyMs, nextMs: nextMs(known, everyMs), pausedBecause: null, last }
    },
    refresh: () =>
      orLater(async () => {
        state = await automaticState(sql)
      }),
    look: () =>
      orLater(async () => {
        if (everyMs !== null) await look(everyMs)
        else state = await automaticState(sql)
      }),
  }
}

/** With the models that have become active on this replica since the database was read. */
function withNewest(state: AutomaticState, models: ActiveModels): AutomaticState {
  const active = MODEL_NAMES.flatMap((name): AutomaticState['active'] => {
    const kind = storedName(name)
    const known = state.active.filter((choice) => choice.kind === kind)
    const model = models[name]
    if (model === null || known.some(({ version }) => version === model.version)) return known
    return [{ kind, version: model.version, changedAt: new Date(model.trainedAt) }]
  })
  return { ...state, active }
}

const isReset = ({ active }: AutomaticState) =>
  active.length > 0 && active.every(({ version }) => version === null)

function pastOf({ active, attemptedAt, outcome }: AutomaticState, { anomaly }: ActiveModels): TrainingPast {
  const chosen = active.filter(({ version }) => version !== null)
  const times = chosen.map(({ changedAt }) => changedAt.getTime())
  const versions = chosen.map(({ version }) => version!).sort()
  const hasEnded = attemptedAt !== null && outcome !== null && new Date(outcome.endedAt) >= attemptedAt
  const ended = hasEnded ? endOf(outcome, chosen.length > 0) : 'failed'
  return {
    activeSinceMs: times.length === 0 ? null : Math.max(...times),
    learnedMs:
      anomaly?.training && anomaly.training.source !== 'synthetic' ? anomaly.model.days * DAY_MS : null,
    version: versions.at(-1) ?? null,
    attempt: attemptedAt && { atMs: attemptedAt.getTime(), ended },
  }
}

function endOf({ outcome, job }: AutomaticOutcome, hasModel: boolean): AttemptEnd {
  // To find out by a run that there is too little is not worth repeating soon.
  if (outcome === 'not_enough_data') return hasModel || job === null ? 'no_data' : 'failed'
  return outcome === 'failed' ? 'failed' : 'done'
}

function outcomeOf({
  anomaly,
  optimizer,
}: TrainingResult): Pick<AutomaticOutcome, 'outcome' | 'reason' | 'version'> {
  const version = anomaly?.version ?? optimizer?.version ?? null
  if (anomaly === null) {
    const outcome = optimizer?.trained ? 'activated' : 'not_enough_data'
    return { outcome, reason: optimizer?.error ?? null, version }
  }
  if (!anomaly.trained) return { outcome: 'not_enough_data', reason: anomaly.error, version }
  return { outcome: anomaly.activated ? 'activated' : 'kept', reason: anomaly.refused, version }
}

function failureOf(error: unknown): [AutomaticOutcome['outcome'], string] {
  if (!(error instanceof ServiceError)) return ['failed', 'The log of the service has the reason.']
  if (error.code === 'NO_DATA') return ['not_enough_data', error.message]
  const isStopped = error.code === 'TRAINING_STOPPED' || error.code === 'TRAINING_RUNNING'
  return [isStopped ? 'stopped' : 'failed', error.message]
}

/** So long after the start, a training may begin: a service that has just started is about to be used. */
const FIRST_TRAINING_MS = 5 * 60_000
/** The same without a model: nothing can be judged yet. */
const WITHOUT_MODEL_MS = 2 * 60_000
const LOOK_EVERY_MS = 60_000
const MAX_CLOSE_MS = 2_000

/** Looks every minute whether a training is due. @returns what ends that */
function lookRegularly(automatic: AutomaticTraining, hasModel: () => boolean): () => Promise<void> {
  const startedMs = performance.now()
  let timer: NodeJS.Timeout | undefined
  let looking: Promise<void> = automatic.refresh()
  let closed = false
  const next = (): void => {
    if (closed) return
    timer = setTimeout(() => {
      const waitMs = hasModel() ? FIRST_TRAINING_MS : WITHOUT_MODEL_MS
      const isEarly = performance.now() - startedMs < waitMs
      looking = (isEarly ? automatic.refresh() : automatic.look()).then(next)
    }, LOOK_EVERY_MS).unref()
  }
  looking = looking.then(next)
  return async () => {
    closed = true
    clearTimeout(timer)
    await Promise.race([looking, delay(MAX_CLOSE_MS, undefined, { ref: false })])
  }
}

/** `fastify.automaticTraining`. */
export default fp(
  async (app) => {
    const { config, sql, trafficSql, training, models, log } = app
    const automatic = createAutomaticTraining({
      ...{ sql, trafficSql, training, models, audit: app.audit, log, currentTable: app.trafficTable },
      ...{ everyMs: config.trainEveryMs, timeZone: config.timeZone, retentionDays: config.retentionDays },
      hasPrometheus: config.prometheus !== null,
      now: () => new Date(),
    })
    app.decorate('automaticTraining', automatic)
    let end: (() => Promise<void>) | undefined
    app.addHook('onReady', async () => {
      end = lookRegularly(automatic, () => models.active.anomaly !== null)
    })
    app.addHook('preClose', async () => {
      await training.close()
      await end?.()
    })
  },
  {
    name: 'automatic-training',
    dependencies: ['config', 'database', 'audit', 'traffic-table', 'model-registry', 'training'],
  },
)
