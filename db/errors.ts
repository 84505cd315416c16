const AWAY_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
  'CONNECTION_CLOSED',
  'CONNECTION_ENDED',
  'CONNECTION_DESTROYED',
  'CONNECT_TIMEOUT',
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '53300', // too_many_connections
])

/** Failures of a connection, and certificates that are not accepted. */
const AWAY_CLASSES = /^(?:08...$|TLS_|ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/

/** Whether an error of a query means that the server cannot be reached now, and not that the query is wrong. */
export function isDatabaseAway(error: unknown): boolean {
  const code = codeOf(error)
  if (code !== undefined && (AWAY_CODES.has(code) || AWAY_CLASSES.test(code))) return true
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.every(isDatabaseAway)
  return error instanceof Error && error.cause !== undefined && isDatabaseAway(error.cause)
}

const READ_ONLY_CODES = new Set([
  '25006', // read_only_sql_transaction
  '53100', // disk_full
])

/** Whether a server refused to write: a standby, one that was set read-only, or one whose storage is full. */
export function isDatabaseReadOnly(error: unknown): boolean {
  return READ_ONLY_CODES.has(codeOf(error) ?? '')
}

const CANCELLED_CODES = new Set([
  '40001', // serialization_failure: on a standby, the query was in the way of the recovery
  '57014', // query_canceled
  '55P03', // lock_not_available
  '25P03', // idle_in_transaction_session_timeout
  '25P04', // transaction_timeout
  '57P05', // idle_session_timeout
  '40P01', // deadlock_detected
])

/** Whether a server ended a statement or its session: a time-out, a person, or another session was in the way. */
export function isStatementCancelled(error: unknown): boolean {
  return CANCELLED_CODES.has(codeOf(error) ?? '')
}

/** Undefined column, table, function; a type that does not fit; a cast that does not exist; no privilege. */
const UNUSABLE_CODES = new Set(['42703', '42P01', '42883', '42804', '42846', '42501'])

/** Whether a query failed because a table does not have the expected form. */
export function isTableUnusable(error: unknown): boolean {
  return UNUSABLE_CODES.has(codeOf(error) ?? '')
}

/** Whether a query failed because a value is none of its type, such as a text that is no time. */
export function isValueUnusable(error: unknown): boolean {
  return /^22...$/.test(codeOf(error) ?? '')
}

/** Whether a table refused a row: a value does not fit its column or violates a constraint, or the table takes no rows. */
export function isRowRefused(error: unknown): boolean {
  return /^(?:2[23]...|42809)$/.test(codeOf(error) ?? '')
}

/** One line about a database error for people: no query text, no values, no password. */
export function describeDatabaseError(error: unknown): string {
  // A host name with several addresses fails with an AggregateError, whose own message is empty.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined
  const message = (error instanceof Error && error.message) || (first instanceof Error && first.message)
  return (message || codeOf(error) || 'unknown error').split('\n', 1)[0]!
}

function codeOf(error: unknown): string | undefined {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}
