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
  /** A leaky bucket of NGINX. Limits of one zone share it, each with its burst. */
  | { readonly kind: 'leaky'; readonly milliRate: number; readonly burst: number; readonly zone: string }
  /** Rejects nothing, and counts the request in a window of HAProxy that slides. */
  | { readonly kind: 'counted'; readonly windowMs: number; readonly expireMs: number; readonly table: string }
  /** Rejects when all of these rates are so; what was counted before stays counted. */
  | { readonly kind: 'rates'; readonly rates: readonly ComparedRate[] }
  /** Responses 401, 403 and 404 in windows of the clock; who has had so many is rejected until the window ends. */
  | { readonly kind: 'failures'; readonly limit: number; readonly windowMs: number }
  /** Different paths in windows of the clock; one that was counted passes again. */
  | { readonly kind: 'paths'; readonly limit: number; readonly windowMs: number }

/** The rate of a key of a table of HAProxy, compared with a limit. */
export interface ComparedRate {
  readonly table: string
  readonly windowMs: number
  readonly expireMs: number
  readonly key: string
  /** Over it, or not over it. */
  readonly limit: number
  readonly isOver: boolean
}

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
  /** Whether a request that one limit rejects is counted by the others. Without it, rejected requests are counted by none. */
  readonly counts?: 'each' | 'until-rejected'
  /** Sentences on what counts in another way here than in the gateway. */
  readonly remarks: readonly string[]
  /** The limits that a request has to pass, all of them. */
  limitsOf(request: SeenRequest): readonly AppliedLimit[]
}

/** Where something stands: a line of the file, from 1, or of a file that it includes. */
export type Place = number | { readonly file: string; readonly line: number }

/** A file has something that is not understood. */
export class UnreadableLimits extends Error {
  constructor(place: Place, problem: string) {
    super(`${placeText(place)}: ${problem}`)
  }
}

/** @example placeText({ file: 'conf.d/api.conf', line: 3 }) // 'line 3 of conf.d/api.conf' */
export function placeText(place: Place): string {
  return typeof place === 'number' ? `line ${place}` : `line ${place.line} of ${place.file}`
}

/** What a reader needs beside the text. */
export interface ReadingContext {
  /** The server whose log it is: a server_name, a frontend, a domain or a host. */
  readonly server?: string | undefined
  /** The files that a configuration names. */
  readonly files?: OtherFiles | undefined
}

/** The files that a configuration names. */
export interface OtherFiles {
  /**
   * @param pattern a path, or a pattern with `*`, `?` or `[]`
   * @returns the files in the order of their names; why they cannot be read
   */
  find(pattern: string): readonly OtherFile[] | string
}

export interface OtherFile {
  readonly path: string
  readonly text: string
  /** Of the first line, where the file is part of a dump. */
  readonly firstLine?: number
}

/** The words that durations end with in configurations, in milliseconds. */
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** @returns milliseconds; NaN for what is no duration. @param unit where none is written */
export function durationMs(text: string, unit: 'ms' | 's' = 'ms'): number {
  const [, number, given = unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? []
  return number === undefined ? NaN : Number(number) * UNITS[given]!
}

/** Letters after a backslash that mean something else in JavaScript, or nothing. */
const OTHER_ESCAPES = /\\(?:[^]?)/g
const SAME_ESCAPES = /^\\(?:[dDwWsSbBnrtfv0-9]|[^A-Za-z0-9])$/

/** A regular expression of PCRE or RE2 for JavaScript. @throws UnreadableLimits */
export function expression(source: string, line: Place, flags = ''): RegExp {
  const [, inline = '', rest = source] = /^\(\?([is]+)\)(.*)$/s.exec(source) ?? []
  const translated = rest
    .replace(/\(\?P</g, '(?<')
    .replace(/\\(x\{([\da-fA-F]+)\}|z|Z|A|[^])/g, (all, what: string, hex?: string) => {
      if (hex !== undefined) return `\\x${hex.padStart(2, '0')}`
      return what === 'z' || what === 'Z' ? '$' : what === 'A' ? '^' : all
    })
  const isOther = (escape: string) => !SAME_ESCAPES.test(escape)
  const plain = translated.replace(/\\x[\da-fA-F]{2}/g, '')
  try {
    if (!(plain.match(OTHER_ESCAPES) ?? []).some(isOther) && !/\[[^\]]*\[:/.test(plain))
      return new RegExp(translated, [...new Set(flags + inline)].join(''))
  } catch {
    // Below.
  }
  throw new UnreadableLimits(line, `the pattern ${JSON.stringify(source.slice(0, 80))} is not understood`)
}

/** A path as NGINX has it: percent-encoding decoded, slashes merged, dot segments resolved. */
export function normalizedPath(path: string, mergesSlashes = true): string {
  if (!/%|\/[./]/.test(path)) return path
  return withoutDots(
    path.replace(/%([\da-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    mergesSlashes,
  )
}

/** Whether NGINX answers a path with 400, before any limit: broken encoding, a zero byte, or `..` above the root. */
export function isRefusedPath(path: string): boolean {
  if (!path.startsWith('/')) return true
  if (!/%|\/\./.test(path)) return false
  if (/%(?![\da-fA-F]{2})|%00/.test(path)) return true
  let depth = 0
  const decoded = path.replace(/%2e/gi, '.').replace(/%2f/gi, '/')
  return decoded
    .split('/')
    .slice(1)
    .some((part) => {
      if (part === '..') depth--
      else if (part !== '' && part !== '.') depth++
      return depth < 0
    })
}

/** A path as the router of Kong has it (kong/tools/uri.lua): only unreserved characters are decoded (RFC 3986). */
export function kongPath(path: string): string {
  if (!/%|\/[./]/.test(path)) return path
  const decoded = path.replace(/%([\da-fA-F]{2})/g, (all, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16))
    return /[\w.~-]/.test(character) ? character : all.toUpperCase()
  })
  return withoutDots(decoded, true)
}

function withoutDots(path: string, mergesSlashes: boolean): string {
  const segments: string[] = []
  const parts = path.split('/').slice(1)
  parts.forEach((part, i) => {
    const isLast = i === parts.length - 1
    if (part === '..') segments.pop()
    else if (part !== '.' && (part !== '' || !mergesSlashes)) return void segments.push(part)
    if (isLast) segments.push('')
  })
  return `/${segments.join('/')}`
}
