import fp from 'fastify-plugin'
import type { Sql } from 'postgres'
import { isDatabaseAway, isDatabaseReadOnly } from '../db/errors.js'
import { findIncident } from '../db/own/incidents.js'
import {
  applyTemporaryLimit,
  endExpiredLimits,
  endTemporaryLimit,
  type Applied,
  type TemporaryLimit,
} from '../db/own/temporary-limits.js'
import type { Log } from '../db/log.js'
import { SECOND_MS } from '../models/traffic/durations.js'
import type { Audit } from './audit.js'
import type { Database } from './database.js'
import { ServiceError } from './http/errors.js'
import { notFound } from './incidents/marks.js'
import { explainTableError } from './http/table-errors.js'

/** Limits against incidents, for some time. */
export interface IncidentLimits {
  /**
   * Puts the recommended limit of an incident in force; durable when this returns. Any replica ends it when its time is over.
   * @throws ServiceError INCIDENT_NOT_FOUND, LIMIT_NOT_APPLICABLE, GATEWAY_TABLE_UNUSABLE
   */
  apply(
    id: string,
    request: { readonly author: string | null; readonly minutes: number },
  ): Promise<{ readonly limit: TemporaryLimit; readonly isNew: boolean }>
  /** Ends it early. @throws ServiceError INCIDENT_NOT_FOUND, LIMIT_NOT_APPLICABLE, GATEWAY_TABLE_UNUSABLE */
  end(id: string, author: string | null): Promise<TemporaryLimit>
}

declare module 'fastify' {
  interface FastifyInstance {
    incidentLimits: IncidentLimits
  }
}

interface IncidentLimitsOptions {
  readonly sql: Sql
  readonly database: Pick<Database, 'assertUsable'>
  readonly audit: Pick<Audit, 'recordOwn'>
  readonly log: Pick<Log, 'info' | 'warn'>
}

function createIncidentLimits({ sql, database, audit, log }: IncidentLimitsOptions) {
  const inTables = async <T>(work: () => Promise<T>): Promise<T> => {
    await database.assertUsable()
    return work().catch((error: unknown) => {
      const problem = "The gateway's table of limits cannot be used"
      throw explainTableError(error, { code: 'GATEWAY_TABLE_UNUSABLE', problem })
    })
  }
  const expiry = createExpiry({ sql, database, audit, log })
  return {
    async apply(id: string, request: { readonly author: string | null; readonly minutes: number }) {
      const applied = await inTables(() => applyTemporaryLimit(sql, id, request))
      if (applied === undefined) throw notFound(id)
      if ('refused' in applied) throw refusal(id, applied)
      return applied
    },
    async end(id: string, author: string | null) {
      const ended = await inTables(() => endTemporaryLimit(sql, id, author))
      if (ended !== undefined) return ended
      if ((await findIncident(sql, id)) === undefined) throw notFound(id)
      const message = `No limit was applied against incident ${id}. POST /incidents/${id}/apply applies the recommended one.`
      throw new ServiceError('LIMIT_NOT_APPLICABLE', message)
    },
    close: () => expiry.stop(),
  }
}

const POLL_MS = 2 * SECOND_MS
/** After a failure, which is logged each time. */
const RETRY_MS = 30 * SECOND_MS

/** Ends the limits whose time is over: each replica looks, and one of them ends each. */
function createExpiry({ sql, database, audit, log }: IncidentLimitsOptions) {
  let timer: NodeJS.Timeout | undefined
  let isStopped = false
  const look = async (): Promise<number> => {
    try {
      await database.assertUsable()
      for (const { incidentId, endpoint, outcome } of await endExpiredLimits(sql)) {
        log.info({ incident: incidentId, endpoint, outcome }, 'a temporary limit has ended')
        await audit.recordOwn('endIncidentLimit', { id: incidentId }, { endpoint, outcome })
      }
      return POLL_MS
    } catch (error) {
      if (error instanceof ServiceError || isDatabaseAway(error)) return POLL_MS // others tell of it
      if (!isDatabaseReadOnly(error)) log.warn({ err: error }, 'a temporary limit cannot be ended yet')
      return RETRY_MS
    }
  }
  const again = (ms: number): void => {
    if (isStopped) return
    timer = setTimeout(() => void (running = look().then(again)), ms).unref()
  }
  let running: Promise<void> = Promise.resolve()
  again(POLL_MS)
  return {
    async stop() {
      isStopped = true
      clearTimeout(timer)
      await running
    },
  }
}

function refusal(id: string, refused: Extract<Applied, { refused: string }>): ServiceError {
  return new ServiceError('LIMIT_NOT_APPLICABLE', whyNot(id, refused))
}

function whyNot(id: string, refused: Extract<Applied, { refused: string }>): string {
  switch (refused.refused) {
    case 'none':
      return `Incident ${id} has no recommendation: no limit for a few clients would have held it. POST /optimize recommends limits for all.`
    case 'false_positive':
      return `Incident ${id} was marked as a false positive, so no limit is applied against it.`
    case 'entries':
      return `The timeline of incident ${id} is full. POST /optimize with save true makes a recommendation that can be applied.`
    case 'occupied': {
      const { incidentId, endpoint, expiresAt } = refused.by
      return `${endpoint} has a temporary limit until ${expiresAt.toISOString()}. End it first: DELETE /incidents/${incidentId}/apply.`
    }
    case 'strict':
      return `The limit in force, ${refused.inForce} requests a minute, is as strict as the recommended one, ${refused.recommended}. Check whether the gateway enforces it.`
  }
}

/** `fastify.incidentLimits`. */
export default fp(
  async (app) => {
    const { sql, database, audit, log } = app
    const limits = createIncidentLimits({ sql, database, audit, log })
    app.decorate('incidentLimits', limits)
    app.addHook('preClose', () => limits.close())
  },
  { name: 'incident-limits', dependencies: ['database', 'audit'] },
)
