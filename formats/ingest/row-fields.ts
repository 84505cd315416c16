import { clientAddress } from '../../models/traffic/client-address.js'
import { requestPath } from '../access-log/request-line.js'

/** The fields of a request, by their names in the interface. */
export const ROW_FIELDS = [
  'timestamp',
  'method',
  'path',
  'status_code',
  'response_time_ms',
  'user_id',
  'ip_address',
  'user_agent',
  'backend',
  'request_id',
  'error',
] as const

export type RowField = (typeof ROW_FIELDS)[number]

/** Fields that a factor of a map can multiply. */
export const NUMERIC_FIELDS: ReadonlySet<RowField> = new Set(['timestamp', 'response_time_ms'])

export const REQUIRED_FIELDS: ReadonlySet<RowField> = new Set(['timestamp', 'method', 'path', 'status_code'])

/** The bounds of the fields. The schema of the route has the same ones. */
const MAX_LENGTHS = {
  method: 32,
  path: 2048,
  user_id: 128,
  user_agent: 1024,
  backend: 64,
  error: 2048,
} as const
const MIN_STATUS = 100
const MAX_STATUS = 599
const MAX_RESPONSE_TIME_MS = 1e9

const METHOD = /^[A-Za-z-]{1,32}$/
const REQUEST_LINE = /^[A-Za-z-]{1,32} (?=\S)/
const NUMBER = /^-?\d{1,15}(?:\.\d{1,15})?(?:[eE][-+]?\d{1,3})?$/
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i
const HEX_ID = /^[\da-f]{32}$/i

/** Servers write 0 or -1 when the client went away before there was an answer; 499 is the usual status for that. */
const CLIENT_CLOSED_REQUEST = 499

/** Reads a value. @returns undefined for one that is not allowed, null for one that says nothing */
export type ReadValue = (value: unknown) => string | number | null | undefined

/** A number, or the text of one. */
export function numberOf(value: unknown): number | undefined {
  const number = typeof value === 'string' && NUMBER.test(value.trim()) ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) ? number : undefined
}

/** Lengths count characters, as JSON Schema does, and not the halves of surrogate pairs. */
function fits(text: string, maxLength: number): boolean {
  return text.length <= maxLength || (text.length <= 2 * maxLength && [...text].length <= maxLength)
}

function statusOf(value: unknown): number | undefined {
  const status = numberOf(value)
  return Number.isInteger(status) && status! >= MIN_STATUS && status! <= MAX_STATUS ? status : undefined
}

function responseTimeOf(value: unknown): number | undefined {
  const ms = numberOf(value)
  return ms !== undefined && ms >= 0 && ms <= MAX_RESPONSE_TIME_MS ? ms : undefined
}

function methodOf(value: unknown): string | undefined {
  return typeof value === 'string' && METHOD.test(value) ? value : undefined
}

/** Without the query string, which may contain secrets. */
function pathOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const end = value.indexOf('?')
  const path = end < 0 ? value : value.slice(0, end)
  return path !== '' && fits(path, MAX_LENGTHS.path) && !value.includes('\0') ? path : undefined
}

const textOf =
  (maxLength: number): ReadValue =>
  (value) =>
    typeof value === 'string' && fits(value, maxLength) && !value.includes('\0') ? value : undefined

function addressOf(value: unknown): string | undefined {
  return typeof value === 'string' && PLAIN_ADDRESS.test(value)
    ? (clientAddress(value) ?? undefined)
    : undefined
}

/** No port, no brackets and no list, which only servers write. */
const PLAIN_ADDRESS = /^[\d.]{7,15}$|^[\da-f:.]{2,45}(?:%[^,\s]{1,18})?$/i

function idOf(value: unknown): string | undefined {
  return typeof value === 'string' && UUID.test(value) ? value : undefined
}

/** How a request's own fields are read: what is not allowed is refused. */
export const STRICT: Readonly<Record<Exclude<RowField, 'timestamp'>, ReadValue>> = {
  method: methodOf,
  path: pathOf,
  status_code: statusOf,
  response_time_ms: responseTimeOf,
  user_id: textOf(MAX_LENGTHS.user_id),
  ip_address: addressOf,
  user_agent: textOf(MAX_LENGTHS.user_agent),
  backend: textOf(MAX_LENGTHS.backend),
  request_id: idOf,
  error: textOf(MAX_LENGTHS.error),
}

const cutText =
  (maxLength: number): ReadValue =>
  (value) => {
    if (typeof value === 'number') return String(value)
    return typeof value === 'string' ? value.slice(0, maxLength) : null
  }

/**
 * How the fields of a server's log are read. A client chooses much of what is in them, so a long text is cut, and an
 * optional field that cannot be read is left out: one odd request must not stop the log.
 */
export const LENIENT: Readonly<Record<Exclude<RowField, 'timestamp'>, ReadValue>> = {
  method: (value) => methodOf(typeof value === 'string' ? value.split(' ', 1)[0] : value),
  path(value) {
    if (typeof value !== 'string') return undefined
    const target = REQUEST_LINE.test(value)
      ? value.slice(value.indexOf(' ') + 1).replace(/ HTTP\/[\d.]+$/, '')
      : value
    const path = requestPath(target).replaceAll('\0', '\ufffd').split(/[?#]/, 1)[0]!
    return path === '' ? undefined : path.slice(0, MAX_LENGTHS.path)
  },
  status_code(value) {
    const status = numberOf(value)
    return status === 0 || status === -1 ? CLIENT_CLOSED_REQUEST : statusOf(value)
  },
  response_time_ms: (value) => responseTimeOf(value) ?? null,
  user_id: cutText(MAX_LENGTHS.user_id),
  ip_address: (value) => (typeof value === 'string' ? clientAddress(value) : null),
  user_agent: cutText(MAX_LENGTHS.user_agent),
  backend: cutText(MAX_LENGTHS.backend),
  request_id(value) {
    if (typeof value !== 'string') return null
    return HEX_ID.test(value)
      ? value.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
      : (idOf(value) ?? null)
  },
  error: cutText(MAX_LENGTHS.error),
}

const text = (maxLength: number) => `a text of 0 to ${maxLength} characters that matches ^[^\\u0000]*$`

/** What each field allows, in words. */
export const ALLOWED: Readonly<Record<RowField, string>> = {
  timestamp:
    'an ISO-8601 time, such as "2026-01-31T12:00:00Z", or the seconds or milliseconds since 1970, such as 1769860800.123',
  method: `a text of 1 to ${MAX_LENGTHS.method} characters that matches ^[A-Za-z-]+$`,
  path: `a text of 1 to ${MAX_LENGTHS.path} characters that matches ^[^?\\u0000][^\\u0000]*$`,
  status_code: `a whole number from ${MIN_STATUS} to ${MAX_STATUS}`,
  response_time_ms: `a finite number from 0 to ${MAX_RESPONSE_TIME_MS}`,
  user_id: text(MAX_LENGTHS.user_id),
  ip_address: 'an IP address, such as "203.0.113.7"',
  user_agent: text(MAX_LENGTHS.user_agent),
  backend: text(MAX_LENGTHS.backend),
  request_id: 'a UUID, such as "7feea531-ae5f-451c-9683-b89d4a9a03ca"',
  error: text(MAX_LENGTHS.error),
}
