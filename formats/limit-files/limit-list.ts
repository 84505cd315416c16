import { policy } from './headers.js'
import type { FileHead, LimitEntry } from './limit-entry.js'

/** The limits as data; the names are those of the HTTP interface. */
export interface LimitList {
  readonly generated_at: string
  readonly tier: string
  readonly strategy: string
  readonly limits: readonly object[]
}

export function limitList(
  entries: readonly LimitEntry[],
  { tier, strategy, generatedAt }: FileHead,
): LimitList {
  return {
    generated_at: generatedAt,
    tier,
    strategy,
    limits: entries.map((entry) => ({
      endpoint: entry.endpoint,
      method: entry.method,
      path: entry.path,
      scope: entry.scope,
      requests_per_minute: entry.limit,
      burst: entry.burst,
      long_window: entry.longWindow,
      policy: policy(entry),
    })),
  }
}
