import type { RateLimitException } from '../../models/rate-limit/exception.js'
import type { LongWindow, Scope } from '../../models/rate-limit/recommendation.js'

/** A rate limit as it is written into a gateway's configuration. */
export interface RateLimitEntry {
  /** `/users/{id}`, or `GET /users/{id}`. */
  readonly endpoint: string
  /** Null: all methods. */
  readonly method: string | null
  /** The path template. */
  readonly path: string
  readonly scope: Scope
  /** Requests a minute. */
  readonly limit: number
  /** Requests at once, the first one included. */
  readonly burst: number
  readonly longWindow: LongWindow | null
  /** A third limit over a day; null where there is none, as the next two. */
  readonly dayWindow?: LongWindow | null
  /** Responses 401, 403 and 404 of one client in a window. */
  readonly failures?: LongWindow | null
  /** Different paths of one client in a window. */
  readonly distinctPaths?: LongWindow | null
  /** Programs with limits of their own. */
  readonly exceptions?: readonly RateLimitException[]
}

/** What the limits in a file were made for, and when. */
export interface FileHead {
  readonly tier: string
  readonly strategy: string
  /** ISO-8601. */
  readonly generatedAt: string
}

/** The first lines of a file, without the marks of a comment. */
export function headLines({ tier, strategy, generatedAt }: FileHead): string[] {
  return [
    `Rate limits recommended by AEGIS ML on ${generatedAt}: tier ${tier}, strategy ${strategy}.`,
    'Made from the traffic that was seen. Try them before you enforce them.',
  ]
}

/** A text that cannot end a comment or a line: anything but printable ASCII becomes `?`. */
export function commentText(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').replaceAll('*/', '* /')
}

/** A name of letters, digits and underscores, with the place, so that no two are the same. */
export function safeName(endpoint: string, place: number): string {
  const words = endpoint.toLowerCase().replace(/[^a-z0-9]+/g, '_')
  return `aegis_${place + 1}_${words.replace(/^_+|_+$/g, '').slice(0, 40)}`.replace(/_$/, '')
}
