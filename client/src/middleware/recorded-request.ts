import { isIP } from 'node:net'
import type { Input } from '../operations.js'
import type { ObservedRequest } from './observed-request.js'
import type { RecordOptions } from './options.js'

/** A request as the service stores it. */
export type RecordedRequest = Input<'ingestRequests'>['requests'][number]

const LONGEST = { method: 32, path: 2_048, userId: 128, userAgent: 1_024 }

/**
 * In the form that the service asks for, whatever came: one that it refused would take its whole batch with it.
 *
 * @param timestampMs when it came, milliseconds since 1970
 * @param durationMs from then to its end; null when that is no response time
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
    ...(userId !== undefined && { user_id: text(String(userId), LONGEST.userId) }),
    ...(ip !== undefined && { ip_address: ip }),
    ...(agent !== undefined && { user_agent: text(agent, LONGEST.userAgent) }),
  }
}

/** Databases have no U+0000. */
function text(value: string, longest: number): string {
  return value.replaceAll('\0', '').slice(0, longest)
}

function plainMethod(method = 'GET'): string {
  return /^[A-Za-z-]+$/.test(method) ? method.slice(0, LONGEST.method) : 'OTHER'
}

/** Without the query string, which is nobody's business. Frameworks cut their mounts off url, not originalUrl. */
function pathOf({ originalUrl, url = '/' }: ObservedRequest['request']): string {
  return text((originalUrl ?? url).split('?', 1)[0]!, LONGEST.path) || '/'
}

/** Without the zone of a link-local address, which databases do not know. */
function plainAddress(address: string | undefined): string | undefined {
  const plain = address?.split('%', 1)[0]
  return plain !== undefined && isIP(plain) > 0 ? plain : undefined
}
