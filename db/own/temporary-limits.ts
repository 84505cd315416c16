import type { ISql, JSONValue, Sql, TransactionSql } from 'postgres'
import { lockInTransaction, LOCKS } from '../lease.js'
import { MAX_ENTRIES } from './incident-marks.js'
import { beginWriting, enter } from './incident-writes.js'
import { findIncident, incidentEntries, type StoredIncident } from './incidents.js'
import { WHOSE } from './rules.js'
import { placeRule, ruleInPlace, takeBackRule, type Outcome, type PlacedRule } from './temporary-rule.js'

/** A limit that was applied against an incident, for some time. */
export interface TemporaryLimit {
  readonly incidentId: string
  readonly endpoint: string
  readonly tier: string
  /** Requests a minute, and at once. */
  readonly limit: number
  readonly burst: number
  readonly appliedAt: Date
  readonly appliedBy: string | null
  readonly expiresAt: Date
  /** Null while it is in force. */
  readonly endedAt: Date | null
  /** Null where its time was over. */
  readonly endedBy: string | null
  /** What became of the rule at the end. */
  readonly outcome: Outcome | null
  /** Requests a minute of the rule that it stands in for; null where there was none. */
  readonly insteadOf: number | null
}

interface Row extends TemporaryLimit {
  readonly id: string
  readonly placed: PlacedRule
  /** Whether its time is over, by the clock of the server. */
  readonly isOver: boolean
}

const columns = (sql: ISql) => sql`
  id::text, incident_id::text as "incidentId", endpoint, tier, requests_per_minute as limit, burst,
  applied_at as "appliedAt", applied_by as "appliedBy", expires_at as "expiresAt", ended_at as "endedAt",
  ended_by as "endedBy", outcome, (before->>'requests_per_minute')::float8 as "insteadOf",
  jsonb_build_object('before', before, 'after', after) as placed, expires_at <= now() as "isOver"`

/** What became of the wish to apply a limit. */
export type Applied =
  | { readonly limit: TemporaryLimit; readonly isNew: boolean }
  /** Why it was not applied; `occupied` names the incident that has a limit there, `strict` the limit in force. */
  | { readonly refused: 'none' | 'false_positive' | 'entries' }
  | { readonly refused: 'occupied'; readonly by: TemporaryLimit }
  | { readonly refused: 'strict'; readonly inForce: number; readonly recommended: number }

/**
 * Puts the recommended limit of an incident in force for some minutes, in one transaction with its entry in the timeline. While
 * it is in force, the same again changes nothing.
 *
 * @returns undefined when there is no such incident
 */
export function applyTemporaryLimit(
  sql: Sql,
  id: string,
  request: { readonly author: string | null; readonly minutes: number },
): Promise<Applied | undefined> {
  return locked(sql, async (tx): Promise<Applied | undefined> => {
    const incident = await findIncident(tx, id)
    if (incident === undefined) return undefined
    const present = await newestOf(tx, id)
    if (present && isInForce(present)) return { limit: toLimit(present), isNew: false }
    return apply(tx, incident, request)
  })
}

/** Others may hold a rule for long: a dashboard, or a session that somebody left open. */
const LOCK_TIMEOUT = '2s'

/**
 * In the order of all who use them: rules of the gateway first, then incidents. Whoever judges waits for the lock of incidents,
 * so nobody waits long for a rule while holding it.
 */
function locked<T>(sql: Sql, work: (tx: TransactionSql) => Promise<T>): Promise<T> {
  return sql.begin(async (tx) => {
    await lockInTransaction(tx, LOCKS.recommendations)
    await beginWriting(tx)
    await tx`select set_config('lock_timeout', ${LOCK_TIMEOUT}, true)`
    return work(tx)
  }) as Promise<T>
}

const isInForce = ({ endedAt }: TemporaryLimit) => endedAt === null

async function apply(
  tx: TransactionSql,
  incident: StoredIncident,
  { author, minutes }: { readonly author: string | null; readonly minutes: number },
): Promise<Applied> {
  const { id, state, recommendation } = incident
  if (state === 'false_positive') return { refused: 'false_positive' }
  if (recommendation === null) return { refused: 'none' }
  if ((await incidentEntries(tx, id)).length >= MAX_ENTRIES) return { refused: 'entries' }
  const { endpoint, tier, limit, burst, scope } = recommendation
  const [other] = await tx<Row[]>`
    select ${columns(tx)} from aegis_ml_temporary_limits where ended_at is null and endpoint = ${endpoint}`
  if (other) {
    if (!other.isOver) return { refused: 'occupied', by: toLimit(other) }
    await end(tx, other, null)
  }
  const inPlace = await ruleInPlace(tx, { endpoint, tier })
  const inForce = inPlace?.rule['enabled'] === false ? null : inPlace?.rule['requests_per_minute']
  if (typeof inForce === 'number' && inForce <= limit)
    return { refused: 'strict', inForce, recommended: limit }
  const [row] = await tx<[{ now: Date; until: Date }]>`
    select now() as now, now() + make_interval(mins => ${minutes}) as until`
  const until = row.until.toISOString()
  const description = `${WHOSE[scope]}; temporary until ${until} (AEGIS ML, incident ${id})`
  const placed = await placeRule(tx, { endpoint, tier, limit, burst, description }, inPlace)
  await tx`
    insert into aegis_ml_temporary_limits
      (incident_id, endpoint, tier, requests_per_minute, burst, applied_by, expires_at, before, after)
    values (${id}::bigint, ${endpoint}, ${tier}, ${limit}, ${burst}, ${author}, ${row.until},
      ${placed.before && tx.json(placed.before as JSONValue)}, ${tx.json(placed.after as JSONValue)})`
  const note = `${limit} requests a minute ${WHOSE[scope]} (${endpoint}), until ${until}.`
  await enter(tx, {
    id,
    kind: 'limit_applied',
    author,
    note,
    detail: { endpoint, tier, limit, burst, until },
  })
  return { limit: toLimit((await newestOf(tx, id))!), isNew: true }
}

const NOTES: Readonly<Record<Outcome, string>> = {
  removed: 'The rule was removed.',
  restored: 'The rule that was there before is in force again.',
  left: 'The rule was changed meanwhile, and stays as it is.',
}

async function end(tx: TransactionSql, row: Row, author: string | null): Promise<void> {
  const outcome = await takeBackRule(tx, row.endpoint, row.placed)
  await tx`update aegis_ml_temporary_limits set ended_at = now(), ended_by = ${author}, outcome = ${outcome}
    where id = ${row.id}::bigint`
  const note = `${row.isOver ? 'Its time was over.' : 'It was ended early.'} ${NOTES[outcome]}`
  const { endpoint, tier, limit } = row
  const detail = { endpoint, tier, limit, outcome }
  await enter(tx, { id: row.incidentId, kind: 'limit_ended', author, note, detail })
}

/**
 * Ends the limit of an incident before its time; one that has ended stays as it is.
 * @returns undefined when none was applied
 */
export function endTemporaryLimit(
  sql: Sql,
  id: string,
  author: string | null,
): Promise<TemporaryLimit | undefined> {
  return locked(sql, async (tx) => {
    const row = await newestOf(tx, id)
    if (row && isInForce(row)) await end(tx, row, author)
    return temporaryLimit(tx, id)
  })
}

const MAX_AT_ONCE = 100

/**
 * Ends the limits whose time is over; on any replica, once.
 * @returns those that were ended
 * @throws the first error, after all were tried
 */
export async function endExpiredLimits(sql: Sql): Promise<TemporaryLimit[]> {
  const over = await sql<{ id: string }[]>`
    select id::text from aegis_ml_temporary_limits where ended_at is null and expires_at <= now()
    order by expires_at limit ${MAX_AT_ONCE}`
  const ended: TemporaryLimit[] = []
  const errors: unknown[] = []
  for (const { id } of over) {
    const done = await locked(sql, async (tx) => {
      const [row] = await tx<Row[]>`
        select ${columns(tx)} from aegis_ml_temporary_limits where id = ${id}::bigint and ended_at is null`
      if (!row) return undefined // another replica was there
      await end(tx, row, null)
      const [now] = await tx<Row[]>`
        select ${columns(tx)} from aegis_ml_temporary_limits where id = ${id}::bigint`
      return toLimit(now!)
    }).catch((error: unknown) => void errors.push(error))
    if (done) ended.push(done)
  }
  if (errors.length > 0) throw errors[0]
  return ended
}

/** The newest limit that was applied against an incident. */
export async function temporaryLimit(sql: ISql, id: string): Promise<TemporaryLimit | undefined> {
  const row = await newestOf(sql, id)
  return row && toLimit(row)
}

/** The limits in force now. */
export async function temporaryLimitsInForce(sql: ISql): Promise<TemporaryLimit[]> {
  const rows = await sql<Row[]>`
    select ${columns(sql)} from aegis_ml_temporary_limits where ended_at is null order by id limit 1000`
  return rows.map(toLimit)
}

async function newestOf(sql: ISql, id: string): Promise<Row | undefined> {
  const [row] = await sql<Row[]>`
    select ${columns(sql)} from aegis_ml_temporary_limits where incident_id = ${id}::bigint order by id desc limit 1`
  return row
}

const toLimit = ({ id: _id, placed: _placed, isOver: _isOver, ...limit }: Row): TemporaryLimit => limit
