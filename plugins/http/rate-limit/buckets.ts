/** What a bucket says about a request. */
export interface Token {
  readonly isAllowed: boolean
  /** Requests that may follow at once. */
  readonly remaining: number
  /** Seconds until a request is allowed again; 0 when one is. */
  readonly retryAfterSec: number
  /** Seconds until the whole limit can be used again. */
  readonly fullAfterSec: number
}

/** A token bucket for each caller. */
export interface Buckets {
  /** Takes a token. A refused request takes none. */
  take(key: string, nowMs: number): Token
}

const MINUTE_MS = 60_000

/**
 * Buckets that hold the limit and refill within a minute. Each is one number, the time at which it is full again: the
 * generic cell rate algorithm (ITU-T I.371, Annex A, virtual scheduling).
 *
 * @param limit requests a minute, at least 1
 * @param maxKeys the bucket that was not used for longest is forgotten
 */
export function createBuckets(limit: number, maxKeys: number): Buckets {
  const tokenMs = MINUTE_MS / limit
  /** By the time of their last use. */
  const fullAt = new Map<string, number>()

  const token = (fullAtMs: number, nowMs: number): Token => {
    const missing = Math.max(0, (fullAtMs - nowMs) / tokenMs)
    const isAllowed = missing <= limit - 1
    return {
      isAllowed,
      remaining: Math.max(0, Math.floor(limit - missing)),
      retryAfterSec: isAllowed ? 0 : Math.max(1, Math.ceil(((missing - limit + 1) * tokenMs) / 1000)),
      fullAfterSec: Math.ceil((missing * tokenMs) / 1000),
    }
  }
  return {
    take(key, nowMs) {
      const before = Math.max(fullAt.get(key) ?? nowMs, nowMs)
      const found = token(before, nowMs)
      fullAt.delete(key)
      fullAt.set(key, found.isAllowed ? before + tokenMs : before)
      if (fullAt.size > maxKeys) fullAt.delete(fullAt.keys().next().value!)
      return found.isAllowed
        ? { ...token(before + tokenMs, nowMs), isAllowed: true, retryAfterSec: 0 }
        : found
    },
  }
}
