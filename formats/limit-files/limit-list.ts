import { policy } from './headers.js'
import type { FileHead, RateLimitEntry } from './limit-entry.js'

/** The limits as data, with the field RateLimit-Policy of each: empty where it counts costs, which the field cannot say. */
export interface RateLimitList extends FileHead {
  readonly limits: readonly (RateLimitEntry & { readonly policy: string })[]
}

export function rateLimitList(entries: readonly RateLimitEntry[], head: FileHead): RateLimitList {
  return { ...head, limits: entries.map((entry) => ({ ...entry, policy: entry.costs ? '' : policy(entry) })) }
}
