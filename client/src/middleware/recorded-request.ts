import { isIP } from 'node:net'
import type { ObservedRequest } from './observed-request.js'
import type { RecordOptions } from './options.js'

/** A request as the service stores it. */
export interface RecordedRequest {
  readonly timestamp: string
  readonly method: string
  /** Without a query string: that is nobody's business. */
  readonly path: string
  readonly status_code: number
  readonly response_time_ms: number
  readonly user_id?: string
  readonly ip_address?: string
  readonly user_agent?: string
}

const LONGEST = { method: 10, path: 2_048, userId: 255, userAgent: 512 }

/**
 * @param timestampMs when it came, milliseconds since 1970
 * @param durationMs from then to its end
 */
export function recordedRequest(
  { request, address }: ObservedRequest,
  status: number,
  timestampMs: number,
  durationMs: number,
  options: RecordOptions,
): RecordedRequest {
  const userId = options.userId?.(request)
  const agent = options.userAgent === false ? undefined : request.headers['user-agent']
  const ip = options.ipAddress === false ? undefined : plainAddress(address)
  return {
    timestamp: new Date(timestampMs).toISOString(),
    method: (request.method ?? 'GET').slice(0, LONGEST.method),
    path: pathOf(request).slice(0, LONGEST.path),
    status_code: status,
    response_time_ms: Math.round(durationMs),
    ...(typeof userId === 'string' && userId !== '' && { user_id: userId.slice(0, LONGEST.userId) }),
    ...(ip !== undefined && { ip_address: ip }),
    ...(agent !== undefined && { user_agent: agent.slice(0, LONGEST.userAgent) }),
  }
}

/** Frameworks cut the mount off url; the whole is in originalUrl. */
function pathOf({ originalUrl, url = '/' }: ObservedRequest['request']): string {
  return (originalUrl ?? url).split('?', 1)[0]!
}

/** Without the zone of a link-local address, which databases do not know. */
function plainAddress(address: string | undefined): string | undefined {
  const plain = address?.split('%', 1)[0]
  return plain !== undefined && isIP(plain) > 0 ? plain : undefined
}
