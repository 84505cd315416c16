/** A request as the limits of a file see it. Texts have one character for each byte. */
export interface SeenRequest {
  readonly timeMs: number
  readonly method: string
  /** The request target, query string included. */
  readonly target: string
  /** The target without the query string. */
  readonly path: string
  /** The address of the client; empty where it is unknown. */
  readonly address: string
  readonly user: string
  readonly agent: string
  /** HTTP status of the response; left out where it is not known. */
  readonly status?: number
}

/** How a limit counts. */
export type Counting =
  /** `limit` tokens a window, `burst` at most. */
  | { readonly kind: 'bucket'; readonly limit: number; readonly burst: number; readonly windowMs: number }
  /** Windows of the clock. */
  | { readonly kind: 'window'; readonly limit: number; readonly windowMs: number }
  /** A window that slides, in which rejected requests count too: HAProxy's rates. */
  | { readonly kind: 'sliding'; readonly limit: number; readonly windowMs: number }
  /** Responses 401, 403 and 404 in windows of the clock; who has had so many is rejected until the window ends. */
  | { readonly kind: 'failures'; readonly limit: number; readonly windowMs: number }
  /** Different paths in windows of the clock; one that was counted passes again. */
  | { readonly kind: 'paths'; readonly limit: number; readonly windowMs: number }

/** A limit that applies to a request. */
export interface AppliedLimit {
  /** What reports call it: the zone, the route, the endpoint. */
  readonly name: string
  /** Of all requests that share a counter. */
  readonly key: string
  readonly counting: Counting
  /** What the request counts as, a whole number; left out: 1. */
  readonly cost?: number
}

/** The limits of a file. */
export interface FileLimits {
  /** The gateway that reads the file. */
  readonly gateway: string
  /** How many limits it has. */
  readonly count: number
  /** Sentences on what counts in another way here than in the gateway. */
  readonly remarks: readonly string[]
  /** The limits that a request has to pass, all of them. */
  limitsOf(request: SeenRequest): readonly AppliedLimit[]
}

/** A file has something that is not understood. */
export class UnreadableLimits extends Error {
  constructor(
    /** From 1. */
    readonly line: number,
    problem: string,
  ) {
    super(`line ${line}: ${problem}`)
  }
}

/** The words that durations end with in configurations, in milliseconds. */
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** @returns milliseconds; NaN for what is no duration. @param unit where none is written */
export function durationMs(text: string, unit: 'ms' | 's' = 'ms'): number {
  const [, number, given = unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? []
  return number === undefined ? NaN : Number(number) * UNITS[given]!
}

/** A regular expression of PCRE or RE2 for JavaScript. @throws UnreadableLimits */
export function expression(source: string, line: number, flags = ''): RegExp {
  const [, inline = '', rest = source] = /^\(\?([is]+)\)(.*)$/s.exec(source) ?? []
  const translated = rest.replace(/\\(x\{([\da-fA-F]+)\}|z|Z|A|.)/gs, (all, what: string, hex?: string) => {
    if (hex !== undefined) return `\\x${hex.padStart(2, '0')}`
    return what === 'z' || what === 'Z' ? '$' : what === 'A' ? '^' : all
  })
  try {
    return new RegExp(translated, [...new Set(flags + inline)].join(''))
  } catch {
    throw new UnreadableLimits(line, `the pattern ${JSON.stringify(source.slice(0, 80))} is not understood`)
  }
}

/** A path as NGINX has it: percent-encoding decoded, slashes merged, dot segments resolved. */
export function normalizedPath(path: string): string {
  const decoded = path.replace(/%([\da-fA-F]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  const segments: string[] = []
  const parts = decoded.split('/').slice(1)
  parts.forEach((part, i) => {
    const isLast = i === parts.length - 1
    if (part === '..') segments.pop()
    else if (part !== '.' && part !== '') return void segments.push(part)
    if (isLast) segments.push('')
  })
  return `/${segments.join('/')}`
}
