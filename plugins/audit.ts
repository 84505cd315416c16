import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import fp from 'fastify-plugin'
import type { Sql } from 'postgres'
import { describeDatabaseError } from '../db/errors.js'
import {
  deleteOldAuditEntries,
  findAuditEntries,
  putAuditEntry,
  type AuditAction,
  type AuditEntry,
  type AuditFilter,
  type AuditResult,
} from '../db/own/audit.js'
import type { Log } from '../db/log.js'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../models/traffic/durations.js'
import { createRefusals, type Refusal } from './audit/refusals.js'
import { summaryOf } from './audit/summary.js'
import type { Database } from './database.js'
import { invalidField } from './http/errors.js'
import { parseTime } from './http/validation.js'
import { nextOf, placeOf } from './incidents/page.js'

/** Which entries are asked for; times are ISO-8601. */
export interface AuditRequest extends Partial<
  Pick<AuditFilter, 'caller' | 'actor' | 'operation' | 'outcome' | 'limit'>
> {
  readonly since?: string | undefined
  readonly until?: string | undefined
  /** Where the page begins. */
  readonly next?: string | undefined
}

/** Who changed what, when and from where. */
export interface Audit {
  /**
   * Enters what a caller is about to do. Durable when this returns, where the database takes it within two seconds.
   * Never fails.
   */
  begin(action: AuditAction): Promise<void>
  /** Enters its result, likewise, and writes a line to the log. @param log of the request */
  end(action: AuditAction, result: AuditResult, log: Pick<Log, 'info'>): Promise<void>
  /** Enters what the service has done by itself, likewise. */
  recordOwn(
    operation: string,
    target: AuditAction['target'],
    facts: Readonly<Record<string, unknown>>,
  ): Promise<void>
  /** Counts a request that was refused because of who sent it. */
  noteRefusal(refusal: Refusal): void
  /** How many entries could be stored since the start and how many could not, and how many requests were refused. */
  counts(): AuditCounts
  /** The newest first; `next` is where the following page begins, null at the end. @throws ServiceError INVALID_REQUEST */
  list(
    request: AuditRequest,
  ): Promise<{ readonly entries: readonly AuditEntry[]; readonly next: string | null }>
}

export interface AuditCounts {
  readonly stored: number
  readonly unstored: number
  /** By code. */
  readonly refused: ReadonlyMap<string, number>
}

declare module 'fastify' {
  interface FastifyInstance {
    audit: Audit
  }
}

interface AuditOptions {
  readonly sql: Sql
  readonly database: Pick<Database, 'assertUsable'>
  readonly retentionDays: number
  readonly log: Pick<Log, 'info' | 'warn' | 'debug'>
  readonly now: () => Date
}

/** An answer waits no longer for its entry. */
const MAX_WAIT_MS = 2_000
const DEFAULT_LIMIT = 50
const PENDING = { outcome: 'pending', status: null, code: null } as const

function createAudit({ sql, database, retentionDays, log, now }: AuditOptions) {
  const refusals = createRefusals(log)
  let stored = 0
  let unstored = 0

  /** @returns why it is not stored */
  const put = async (action: AuditAction, result: AuditResult): Promise<string | undefined> => {
    const writing = putAuditEntry(sql, action, result).then(() => undefined, describeDatabaseError)
    return Promise.race([writing, delay(MAX_WAIT_MS, 'the database took too long', { ref: false })])
  }

  const finish = async (action: AuditAction, result: AuditResult, to: Pick<Log, 'info'>) => {
    const problem = await put(action, result)
    if (problem === undefined) stored += 1
    else unstored += 1
    to.info(
      { audit: lineOf(action, result), stored: problem === undefined, ...(problem && { problem }) },
      'audit',
    )
  }

  const tidy = async (): Promise<void> => {
    try {
      await database.assertUsable()
      await deleteOldAuditEntries(sql, new Date(now().getTime() - retentionDays * DAY_MS))
    } catch (error) {
      log.debug({ reason: describeDatabaseError(error) }, 'old audit entries are deleted later')
    }
  }
  const tidying = regularly(tidy)

  return {
    begin: async (action: AuditAction) => void (await put(action, PENDING)),
    end: finish,
    async recordOwn(
      operation: string,
      target: AuditAction['target'],
      facts: Readonly<Record<string, unknown>>,
    ) {
      const nobody = {
        caller: null,
        role: null,
        address: null,
        forwardedFor: null,
        userAgent: null,
        requestId: null,
      }
      const input = summaryOf(facts) as Record<string, unknown>
      const what = { key: randomUUID(), at: now(), actor: 'service', operation, target, input } as const
      await finish({ ...what, ...nobody }, { outcome: 'done', status: null, code: null }, log)
    },
    noteRefusal: (refusal: Refusal) => refusals.note(refusal),
    counts: () => ({ stored, unstored, refused: refusals.counts() }),
    async list(request: AuditRequest) {
      const filter = filterOf(request)
      await database.assertUsable()
      const found = await findAuditEntries(sql, { ...filter, limit: filter.limit + 1 })
      const entries = found.slice(0, filter.limit)
      const last = entries.at(-1)
      const hasMore = found.length > filter.limit && last !== undefined
      return { entries, next: hasMore ? nextOf({ startedMs: last.at.getTime(), id: last.id }) : null }
    },
    async close() {
      refusals.close()
      await tidying.stop()
    },
  }
}

/** What is not known is left out of the log. */
function lineOf({ key: _key, at, ...action }: AuditAction, { outcome, status, code }: AuditResult) {
  const facts = Object.entries({ ...action, outcome, status, code }).filter(([, value]) => value !== null)
  return { at: at.toISOString(), ...Object.fromEntries(facts) }
}

function filterOf({ since, until, next, ...rest }: AuditRequest): AuditFilter {
  const time = (text: string | undefined) => (text === undefined ? null : new Date(parseTime(text)!)) // of the schema
  const range = { since: time(since), until: time(until) }
  if (range.since && range.until && range.since >= range.until) {
    throw invalidField('since', `is ${range.since.toISOString()}; allowed is a time before until`)
  }
  const place = next === undefined ? null : placeOf(next)
  const after = place && { atMs: place.startedMs, id: place.id }
  const any = { caller: null, actor: null, operation: null, outcome: null, limit: DEFAULT_LIMIT }
  return { ...any, ...rest, ...range, after }
}

/** Soon after the start, and then each hour. */
function regularly(work: () => Promise<void>) {
  let running: Promise<void> | undefined
  const run = () => void (running ??= work().finally(() => (running = undefined)))
  const first = setTimeout(run, MINUTE_MS).unref()
  const timer = setInterval(run, HOUR_MS).unref()
  return {
    async stop() {
      clearTimeout(first)
      clearInterval(timer)
      await running
    },
  }
}

/** `fastify.audit`. */
export default fp(
  async (app) => {
    const { sql, database, config, log } = app
    const audit = createAudit({ sql, database, retentionDays: config.auditDays, log, now: () => new Date() })
    app.decorate('audit', audit)
    app.addHook('onClose', () => audit.close())
  },
  { name: 'audit', dependencies: ['config', 'database'] },
)
