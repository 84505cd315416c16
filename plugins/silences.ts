import fp from 'fastify-plugin'
import type { ISql, Sql } from 'postgres'
import type { StoredIncident } from '../db/own/incidents.js'
import {
  deleteSilence,
  findSilence,
  insertSilence,
  listSilences,
  MAX_SILENCES,
  replaceSilence,
  type NewSilence,
  type StoredSilence,
} from '../db/own/silences.js'
import { isInForce, silenceOf } from '../models/incidents/silence.js'
import { localTimeOf } from '../models/seasonality/local-time.js'
import type { Database } from './database.js'
import { ServiceError } from './http/errors.js'
import { subjectOf } from './notifications/notification.js'
import { silenceFrom, type SilenceRequest } from './silences/request.js'

/** A silence, and whether it holds now. */
export interface ListedSilence extends StoredSilence {
  readonly isInForce: boolean
}

/** When nobody is told of which incidents. */
export interface Silences {
  /** The newest first. @throws ServiceError DATABASE_UNAVAILABLE */
  list(): Promise<ListedSilence[]>
  /** @throws ServiceError SILENCE_NOT_FOUND */
  get(id: string): Promise<ListedSilence>
  /** @throws ServiceError INVALID_REQUEST */
  create(request: SilenceRequest): Promise<ListedSilence>
  /** @throws ServiceError INVALID_REQUEST, SILENCE_NOT_FOUND */
  replace(id: string, request: SilenceRequest): Promise<ListedSilence>
  /** @throws ServiceError SILENCE_NOT_FOUND */
  delete(id: string): Promise<ListedSilence>
  /** The silence that holds for an incident at a time; undefined without one. */
  find(sql: ISql, incident: StoredIncident, at: Date): Promise<StoredSilence | undefined>
}

declare module 'fastify' {
  interface FastifyInstance {
    silences: Silences
  }
}

interface SilencesOptions {
  readonly sql: Sql
  readonly database: Pick<Database, 'assertUsable'>
  readonly timeZone: string
  readonly now: () => Date
}

function createSilences({ sql, database, timeZone, now }: SilencesOptions): Silences {
  const localTime = localTimeOf(timeZone)
  const listed = (silence: StoredSilence): ListedSilence => ({
    ...silence,
    isInForce: isInForce(silence, now().getTime(), localTime),
  })
  const get = async (id: string): Promise<ListedSilence> => {
    await database.assertUsable()
    const found = await findSilence(sql, id)
    if (found === undefined) throw notFound(id)
    return listed(found)
  }
  return {
    async list() {
      await database.assertUsable()
      return (await listSilences(sql)).map(listed)
    },
    get,
    async create(request) {
      const silence: NewSilence = silenceFrom(request, now())
      await database.assertUsable()
      const inserted = await insertSilence(sql, silence)
      if (inserted === undefined) throw tooMany()
      return listed(inserted)
    },
    async replace(id, request) {
      const silence = silenceFrom(request, now())
      await database.assertUsable()
      const replaced = await replaceSilence(sql, id, silence)
      if (replaced === undefined) throw notFound(id)
      return listed(replaced)
    },
    async delete(id) {
      const found = await get(id)
      if (!(await deleteSilence(sql, id))) throw notFound(id)
      return { ...found, isInForce: false }
    },
    async find(tx, incident, at) {
      return silenceOf(await listSilences(tx), subjectOf(incident), at.getTime(), localTime)
    },
  }
}

function notFound(id: string): ServiceError {
  return new ServiceError('SILENCE_NOT_FOUND', `There is no silence ${id}. GET /silences lists all of them.`)
}

function tooMany(): ServiceError {
  const message = `There are ${MAX_SILENCES} silences, which is all that is kept. Delete one with DELETE /silences/{id}.`
  return new ServiceError('INVALID_REQUEST', message)
}

/** `fastify.silences`. */
export default fp(
  async (app) => {
    const { config, sql, database } = app
    const silences = createSilences({ sql, database, timeZone: config.timeZone, now: () => new Date() })
    app.decorate('silences', silences)
  },
  { name: 'silences', dependencies: ['config', 'database'] },
)
