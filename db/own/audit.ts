import type { ISql, JSONValue, Sql } from 'postgres'

export const AUDIT_OUTCOMES = ['pending', 'done', 'refused', 'failed'] as const
export type AuditOutcome = (typeof AUDIT_OUTCOMES)[number]

/** Who does something: the caller with a key, one without, or the service by itself. */
export const AUDIT_ACTORS = ['key', 'anonymous', 'service'] as const

/** Who does what, when and from where. */
export interface AuditAction {
  /** UUID of the entry. */
  readonly key: string
  readonly at: Date
  readonly actor: (typeof AUDIT_ACTORS)[number]
  /** The name of the key; null without one. */
  readonly caller: string | null
  readonly role: string | null
  readonly operation: string
  readonly target: Readonly<Record<string, unknown>> | null
  /** Bounded, without secrets. */
  readonly input: Readonly<Record<string, unknown>> | null
  readonly address: string | null
  readonly forwardedFor: string | null
  readonly userAgent: string | null
  readonly requestId: string | null
}

export interface AuditResult {
  readonly outcome: AuditOutcome
  /** Of HTTP; null for what the service did by itself, and while it is pending. */
  readonly status: number | null
  /** Of a failure. */
  readonly code: string | null
}

export interface AuditEntry extends Omit<AuditAction, 'key'>, AuditResult {
  readonly id: string
}

/** Enters an action, or the result of one that was entered. */
export async function putAuditEntry(sql: ISql, action: AuditAction, result: AuditResult): Promise<void> {
  const { key, at, actor, caller, role, operation, target, input } = action
  const { address, forwardedFor, userAgent, requestId } = action
  const { outcome, status, code } = result
  // Ids have no gaps where they can be without: one means that an entry was deleted.
  await sql`
    with entered as (
      update aegis_ml_audit set outcome = ${outcome}, status = ${status}, code = ${code}
      where key = ${key} and outcome = 'pending' returning id
    )
    insert into aegis_ml_audit (key, at, actor, caller, role, operation, target, input, address, forwarded_for,
      user_agent, request_id, outcome, status, code)
    select ${key}, ${at}, ${actor}, ${caller}, ${role}, ${operation}, ${jsonOf(sql, target)}, ${jsonOf(sql, input)},
      ${address}, ${forwardedFor}, ${userAgent}, ${requestId}, ${outcome}, ${status}, ${code}
    where not exists (select from entered)
    -- The beginning may be on its way still: of the two, the result stays.
    on conflict (key) do update set outcome = excluded.outcome, status = excluded.status, code = excluded.code
      where aegis_ml_audit.outcome = 'pending'`
}

const jsonOf = (sql: ISql, value: object | null) => value && sql.json(value as JSONValue)

export interface AuditFilter {
  readonly since: Date | null
  readonly until: Date | null
  readonly caller: string | null
  readonly actor: AuditEntry['actor'] | null
  readonly operation: string | null
  readonly outcome: AuditOutcome | null
  readonly after: { readonly atMs: number; readonly id: string } | null
  readonly limit: number
}

/** The newest first. */
export async function findAuditEntries(sql: Sql, filter: AuditFilter): Promise<AuditEntry[]> {
  const { since, until, caller, actor, operation, outcome, after, limit } = filter
  const only = (column: string, value: string | null) =>
    value === null ? sql`` : sql`and ${sql(column)} = ${value}`
  const rows = await sql<AuditEntry[]>`
    select id::text, at, actor, caller, role, operation, target, input, address, forwarded_for as "forwardedFor",
      user_agent as "userAgent", request_id as "requestId", outcome, status::int, code
    from aegis_ml_audit
    where true ${since ? sql`and at >= ${since}` : sql``} ${until ? sql`and at < ${until}` : sql``}
      ${only('caller', caller)} ${only('actor', actor)} ${only('operation', operation)} ${only('outcome', outcome)}
      ${after ? sql`and (at, id) < (${new Date(after.atMs)}, ${after.id}::bigint)` : sql``}
    order by at desc, aegis_ml_audit.id desc limit ${limit}`
  return [...rows]
}

/** More entries are not kept: the oldest are deleted. */
const MAX_ENTRIES = 1_000_000

export async function deleteOldAuditEntries(sql: Sql, before: Date): Promise<number> {
  const { count } = await sql`
    delete from aegis_ml_audit where at < ${before}
      or id <= (select id from aegis_ml_audit order by id desc offset ${MAX_ENTRIES} limit 1)`
  return count
}
