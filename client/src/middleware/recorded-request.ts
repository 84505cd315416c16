import { isIP } from 'node:net'
import type { Input } from '../operations.js'
import type { ObservedRequest } from './observed-request.js'
import type { RecordOptions } from './options.js'
import { requestPath } from './request-path.js'

/** A request in the form that the service stores. */
export type RecordedRequest = Input<'ingestRequests'>['requests'][number]

const MAX_LENGTHS = { method: 32, path: 2_048, userId: 128, userAgent: 1_024 }

/**
 * Converts any request to a valid form, because a single invalid request would fail its whole batch.
 *
 * @param timestampMs when it arrived, milliseconds since 1970
 * @param durationMs its duration; null if that is no response time
 */
export function recordedRequest(
  { request, address }: ObservedRequest,
  status: number,
  timestampMs: number,
  durationMs: number | null,
  options: RecordOptions,
): RecordedRequest {
  const userId = options.userId?.(request)
  const agent = options.userAgent === false ? undefined : request.headers['user-agent']
  const ip = options.ipAddress === false ? undefined : plainAddress(address)
  return {
    timestamp: new Date(timestampMs).toISOString(),
    method: plainMethod(request.method),
    path: pathOf(request),
    status_code: Math.min(status, 599),
    ...(durationMs !== null && { response_time_ms: durationMs }),
    ...(userId !== undefined && { user_id: text(String(userId), MAX_LENGTHS.userId) }),
    ...(ip !== undefined && { ip_address: ip }),
    ...(agent !== undefined && { user_agent: text(agent, MAX_LENGTHS.userAgent) }),
  }
}

/** PostgreSQL cannot store U+0000. */
function text(value: string, maxLength: number): string {
  return value.replaceAll('\0', '').slice(0, maxLength)
}

function plainMethod(method = 'GET'): string {
  return /^[A-Za-z-]+$/.test(method) ? method.slice(0, MAX_LENGTHS.method) : 'OTHER'
}

/** Omits the query string, which may be confidential. */
function pathOf(request: ObservedRequest['request']): string {
  return text(requestPath(request), MAX_LENGTHS.path) || '/'
}

/** Omits the zone of a link-local address, which databases do not accept. */
function plainAddress(address: string | undefined): string | undefined {
  const plain = address?.split('%', 1)[0]
  return plain !== undefined && isIP(plain) > 0 ? plain : undefined
}
