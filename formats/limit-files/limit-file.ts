import type { Recommendation } from '../../models/optimizer/recommend.js'
import { envoyFile } from './envoy.js'
import { expressFile } from './express.js'
import { headersFile } from './headers.js'
import { kongFile } from './kong.js'
import type { FileHead, LimitEntry } from './limit-entry.js'
import { nginxFile } from './nginx.js'

/** The files by what reads them. */
const WRITERS = {
  nginx: nginxFile,
  envoy: envoyFile,
  kong: kongFile,
  express: expressFile,
  headers: headersFile,
} as const satisfies Record<string, (entries: readonly LimitEntry[], head: FileHead) => string>

export type LimitFileFormat = keyof typeof WRITERS

/** A complete file with the limits of endpoints, in log-only mode where the gateway has one. */
export function limitFile(format: LimitFileFormat, entries: readonly LimitEntry[], head: FileHead): string {
  return WRITERS[format](entries, head)
}

/** A recommendation as a gateway is to have it. */
export function toLimitEntry(found: Recommendation): LimitEntry {
  const { endpoint, profile, scope, recommended_limit, recommended_burst, long_window } = found
  return {
    endpoint,
    method: profile?.method ?? null,
    path: profile?.endpoint ?? endpoint,
    scope,
    limit: recommended_limit,
    burst: recommended_burst,
    longWindow: long_window,
  }
}
