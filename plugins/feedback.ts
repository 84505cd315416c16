import fp from 'fastify-plugin'
import type { ISql, Sql } from 'postgres'
import {
  deleteOldFeedback,
  feedbackSince,
  findFeedback,
  listFeedback,
  toFeedback,
  withdrawFeedback,
  type FeedbackFilter,
  type StoredFeedback,
} from '../db/own/feedback.js'
import { hoursOf, indexFeedback } from '../models/incidents/feedback.js'
import type { Feedback as MutingFeedback, FeedbackIndex } from '../models/incidents/feedback.js'
import { HOUR_MS } from '../models/traffic/durations.js'
import type { Database } from './database.js'
import { previewFeedback, type FeedbackPreview } from './feedback/preview.js'
import { shownDeviation, type ShownDeviation } from './feedback/shown-deviation.js'
import { ServiceError } from './http/errors.js'
import type { Incidents } from './incidents.js'

/** Feedback as it is shown. */
export interface ShownFeedback extends Omit<StoredFeedback, 'deviations'> {
  readonly deviations: readonly ShownDeviation[]
  readonly isActive: boolean
  /** Hours of the day that it applies to, 0…23, in `timeZone`. */
  readonly hours: readonly number[]
  readonly timeZone: string
}

export interface Feedback {
  /** Newest first. @throws ServiceError DATABASE_UNAVAILABLE */
  list(
    filter: FeedbackFilter,
  ): Promise<{ readonly feedback: readonly ShownFeedback[]; readonly total: number }>
  /** @throws ServiceError FEEDBACK_NOT_FOUND */
  find(id: string): Promise<ShownFeedback>
  /** Ends feedback before its time; what has ended stays as it is. @throws ServiceError FEEDBACK_NOT_FOUND */
  withdraw(id: string): Promise<ShownFeedback>
  /** What a mark as a false positive would have muted. @throws ServiceError INCIDENT_NOT_FOUND */
  preview(incidentId: string): Promise<FeedbackPreview>
  /**
   * The feedback that applies to minutes from a time on, for `withoutMuted` and `withoutMarked`. Minutes that are judged
   * again find the feedback that they found the first time.
   */
  since(
    sql: ISql,
    since: Date,
  ): Promise<{
    readonly feedback: readonly MutingFeedback[]
    readonly index: FeedbackIndex
  }>
}

declare module 'fastify' {
  interface FastifyInstance {
    feedback: Feedback
  }
}

interface FeedbackOptions {
  readonly sql: Sql
  readonly database: Pick<Database, 'assertUsable'>
  readonly incidents: Pick<Incidents, 'find'>
  readonly timeZone: string
  readonly now: () => Date
}

function createFeedbackCapability(options: FeedbackOptions): Feedback {
  const { sql, database, incidents, timeZone, now } = options
  const shown = (stored: StoredFeedback): ShownFeedback => {
    const { startedMs, endedMs, toMs } = toFeedback(stored)
    const isActive = toMs > now().getTime()
    const deviations = stored.deviations.map(shownDeviation)
    return { ...stored, deviations, isActive, hours: hoursOf({ startedMs, endedMs }, timeZone), timeZone }
  }
  return {
    async list(filter) {
      await database.assertUsable()
      const { feedback, total } = await listFeedback(sql, filter)
      return { feedback: feedback.map(shown), total }
    },
    async find(id) {
      await database.assertUsable()
      return shown(found(await findFeedback(sql, id), id))
    },
    async withdraw(id) {
      await database.assertUsable()
      return shown(found(await withdrawFeedback(sql, id), id))
    },
    async preview(incidentId) {
      const { incident } = await incidents.find(incidentId)
      return previewFeedback(sql, incident, timeZone, now())
    },
    async since(reading, from) {
      const feedback = (await feedbackSince(reading, from)).map((each) => toFeedback(each))
      return { feedback, index: indexFeedback(feedback, timeZone) }
    },
  }
}

function found(feedback: StoredFeedback | undefined, id: string): StoredFeedback {
  if (feedback !== undefined) return feedback
  const message = `There is no feedback ${id}. GET /feedback lists all of it.`
  throw new ServiceError('FEEDBACK_NOT_FOUND', message)
}

/** `fastify.feedback`: what people said was no incident, and what it mutes. */
export default fp(
  async (app) => {
    const { sql, database, incidents, config, log } = app
    const { timeZone } = config
    app.decorate(
      'feedback',
      createFeedbackCapability({ sql, database, incidents, timeZone, now: () => new Date() }),
    )
    const housekeeping = setInterval(() => {
      void database
        .assertUsable()
        .then(() => deleteOldFeedback(sql))
        .catch((error: unknown) => log.warn({ err: error }, 'old feedback is not deleted yet'))
    }, HOUR_MS).unref()
    app.addHook('preClose', async () => clearInterval(housekeeping))
  },
  { name: 'feedback', dependencies: ['config', 'database', 'incidents'] },
)
