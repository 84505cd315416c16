import type { RateLimitEntry } from '../../../formats/limit-files/limit-entry.js'
import { TokenBuckets } from '../../../models/rate-limit/replay/token-bucket.js'
import { pathTemplate } from '../../../models/traffic/path-template.js'

export const HEAD = { tier: 'default', strategy: 'balanced', generatedAt: '2026-01-31T12:00:00.000Z' }

/** A limit of one request a minute: within a test only the burst matters. */
export function entry(endpoint: string, more: Partial<RateLimitEntry> = {}): RateLimitEntry {
  const [, method = null, path = endpoint] = /^([A-Za-z-]+) (.*)$/s.exec(endpoint) ?? []
  return {
    ...{ endpoint, method, path, scope: 'client', limit: 1, burst: 3, longWindow: null },
    ...{ dayWindow: null, exceptions: [], failures: null, distinctPaths: null },
    ...more,
  }
}

export interface LoggedRequest {
  readonly method: string
  /** As it is sent. */
  readonly target: string
  readonly client: string
}

const program = (client: string, burst: number) =>
  ({ client, kind: 'address', limit: 1, burst, reason: 'a program', reviewAt: HEAD.generatedAt }) as const

/** Limits of every kind, without those of failures. */
export const ENTRIES: readonly RateLimitEntry[] = [
  entry('/{id}'),
  entry('/users/{id}', { exceptions: [program('127.0.0.9', 6)] }),
  entry('GET /users/me', { burst: 2 }),
  entry('/users/me', { burst: 4 }),
  entry('/users/{id}/orders/{id}.json', { scope: 'endpoint', burst: 5 }),
  entry('/api/items'),
  entry('/API/items', { burst: 1 }),
  entry('/api/items/', { burst: 2 }),
  entry('/shop/a.b+c', { burst: 2 }),
  entry('/tags/{name}', { burst: 2 }),
  entry('/tags/new', { burst: 1 }),
  entry('other', { burst: 4 }),
  entry('/**', { scope: 'gateway-client', burst: 12, exceptions: [program('127.0.0.9', 20)] }),
]

const TARGETS = [
  ...['/users/42', '/users/43?x=/users/me', '/users/44', '/users/45', '/users/abc', '/users/', '/users/42/'],
  ...['/api/items', '/api/items?a=1', '/API/items', '/API/items', '/Api/items', '/api/items/', '/api/items/'],
  ...['/users/me', '/users/me', '/users/me', '/USERS/42', '/42', '/43', '/x42', '/tags/new', '/tags/new'],
  ...['/shop/a.b+c', '/shop/aXb+c', '/shop/a.b+c', '/shop/a.b+c', '/tags/old', '/tags/older', '/tags/oldest'],
  ...['/users/42/orders/1.json', '/users/42/orders/2.json', '/users/42/orders/1xjson', '/nothing', '/none'],
  '/users/123e4567-e89b-12d3-a456-426614174000',
]

/** A log in which every client meets other limits first. */
export const LOG: readonly LoggedRequest[] = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.9'].flatMap(
  (client, turn) =>
    TARGETS.map((_, i) => ({
      method: i % 5 === 4 ? 'POST' : 'GET',
      target: TARGETS[(i + 7 * turn) % TARGETS.length]!,
      client,
    })),
)

/** The entry that the backtest counts a request under, by its name. */
export function entryOf(
  { method, target }: Pick<LoggedRequest, 'method' | 'target'>,
  entries = ENTRIES,
): RateLimitEntry | null {
  const template = pathTemplate(target)
  const named = (path: string) =>
    entries.find((each) => each.path === path && each.method === method) ??
    entries.find((each) => each.path === path && each.method === null)
  const ofName = /^\/tags\/[^/]+$/.test(template) ? named('/tags/{name}') : undefined
  return named(template) ?? ofName ?? named('other') ?? null
}

/** Which requests of a log the buckets of the backtest would reject. */
export function rejectedBy(entries: readonly RateLimitEntry[], log: readonly LoggedRequest[]): boolean[] {
  const buckets = new Map<string, TokenBuckets>()
  const bucketOf = (limit: RateLimitEntry, client: string) => {
    const own = limit.exceptions.find((each) => each.client === client)
    const key = limit.scope === 'endpoint' && !own ? limit.endpoint : `${limit.endpoint} ${client}`
    const { burst } = own ?? limit
    const found = buckets.get(key) ?? new TokenBuckets({ limit: 1, burst, windowMs: 60_000 }, 0)
    buckets.set(key, found)
    return found
  }
  const gateway = entries.filter(({ scope }) => scope === 'gateway-client')
  return log.map((request) => {
    const found = entryOf(request, entries)
    const limits = [...gateway, ...(found ? [found] : [])].map((limit) => bucketOf(limit, request.client))
    if (!limits.every((bucket) => bucket.allows(0, 0))) return true
    limits.forEach((bucket) => bucket.take(0, 0))
    return false
  })
}
