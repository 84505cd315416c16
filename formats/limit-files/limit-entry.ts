import type { RateLimitException } from '../../models/rate-limit/exception.js'
import type { LongWindow, Scope } from '../../models/rate-limit/recommendation.js'
import type { RequestCosts } from '../../models/rate-limit/request-costs.js'

/** A count over a window. */
export interface WindowLimit {
  readonly limit: number
  readonly seconds: number
}

/** A rate limit as it is written into a gateway's configuration. */
export interface RateLimitEntry {
  /** `/users/{id}`, or `GET /users/{id}`; `/**` with scope gateway-client. */
  readonly endpoint: string
  /** Null: all methods. */
  readonly method: string | null
  /** The path template; `/**` stands for all paths, `other` for those of no other entry. */
  readonly path: string
  readonly scope: Scope | 'gateway-client'
  /** What requests cost, where limits are in ms instead of requests; null or left out: they count requests. */
  readonly costs?: RequestCosts | null
  /** Requests a minute. */
  readonly limit: number
  /** Requests at once, the first one included. */
  readonly burst: number
  readonly longWindow: LongWindow | null
  /** A third limit over a day; only with scope gateway-client. */
  readonly dayWindow: LongWindow | null
  /** Clients with a limit of their own in the place of this one. */
  readonly exceptions: readonly RateLimitException[]
  /** Responses 401, 403 and 404 that a client may get; only with scope gateway-client. */
  readonly failures: WindowLimit | null
  /** Different paths that a client may ask for; only with scope gateway-client. */
  readonly distinctPaths: WindowLimit | null
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
    `Rate limits recommended by AEGIS ML on ${generatedAt}: tier ${commentText(tier)}, strategy ${strategy}.`,
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

/** A limit in words, for a comment. */
export function describe({ scope, limit, burst }: RateLimitEntry): string {
  const who = scope === 'endpoint' ? 'all callers together' : 'each client'
  return `${limit} a minute, ${burst} at once, for ${who}`
}

/** The limits over more than a minute, the shorter one first. */
export function longerWindows({ longWindow, dayWindow }: LongerWindows): readonly LongWindow[] {
  return [longWindow, dayWindow].flatMap((window) => window ?? [])
}

type LongerWindows = Pick<RateLimitEntry, 'longWindow' | 'dayWindow'>

/** Names of longer windows, by their seconds, as Envoy and Kong have them. */
export const WINDOW_UNITS: Readonly<Record<number, string>> = { 3600: 'hour', 86_400: 'day' }

/** What a gateway cannot count of an entry, as comments name it. */
export interface Unsupported {
  /** Lengths of long windows that it has; true: any. */
  readonly longWindow: boolean | readonly number[]
  readonly failures: boolean
  readonly distinctPaths: boolean
}

/** Sentences about what the gateway cannot express of an entry; none when it can express all. */
export function leftOut(entry: RateLimitEntry, gateway: string, can: Unsupported): string[] {
  const { failures, distinctPaths, endpoint } = entry
  const hasWindow = (seconds: number) =>
    typeof can.longWindow === 'boolean' ? can.longWindow : can.longWindow.includes(seconds)
  const found: string[] = []
  for (const { limit, seconds } of longerWindows(entry)) {
    if (!hasWindow(seconds)) found.push(`${limit} in ${seconds} s`)
  }
  if (failures && !can.failures) found.push(`${failures.limit} failures in ${failures.seconds} s`)
  if (distinctPaths && !can.distinctPaths) {
    found.push(`${distinctPaths.limit} different paths in ${distinctPaths.seconds} s`)
  }
  return found.map(
    (what) => `Recommended too, but ${gateway} cannot count it: ${what} (${commentText(endpoint)}).`,
  )
}
