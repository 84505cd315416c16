import { MAX_LINE_LENGTH } from './line-splitter.js'
import { objectOf } from './json-line.js'
import { parseLogTime } from './log-time.js'
import { COLOURS } from './request-line.js'

/** The line in a wrapper, and the time of the wrapper; NaN where it has none. */
export interface Unwrapped {
  readonly text: string
  readonly timeMs: number
  /** The line goes on in the next one of its stream. */
  readonly isPartial: boolean
  readonly stream?: string
}

/** Takes the line out; undefined for a line without this wrapper. */
type Unwrap = (line: string) => Unwrapped | undefined

const SYSLOG =
  /^(?:<\d{1,3}>)?(?:([A-Z][a-z]{2} [ \d]\d(?: \d{4})? \d\d:\d\d:\d\d)|(\d{4}-\d\d-\d\dT\S+)) (?:[^\s:[\]]+ )?[^\s:[\]]+(?:\[[^\]\s]*\])?: (?:@cee: ?)?(.*)$/s
const SYSLOG_5424 =
  /^(?:\d{1,6} )?(?:<\d{1,3}>)?1 (-|\d{4}-\d\d-\d\dT\S+) \S+ \S+ \S+ \S+ (?:-|(?:\[[^\]\s]+(?: [^\s=\]]+="(?:[^"\\]|\\.)*")*\])+)(?: (?:\xef\xbb\xbf)?(.*))?$/s
/** Logplex, Heroku's drain, leaves the structured data out. */
const LOGPLEX = /^(?:\d{1,6} )?<\d{1,3}>1 (\d{4}-\d\d-\d\dT\S+) \S+ \S+ \S+ - (?!-)(.*)$/s
const CRI = /^(\d{4}-\d\d-\d\dT\S+) std(out|err) ([FP])(?::\S+)? (.*)$/s
const PREFIX = /^\[(?:pod\/)?[a-z\d][\w.-]*\/[\w./-]+\] (.*)$/s
const COMPOSE = /^[\w.-]+ +\| (.*)$/s
const TIMESTAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) (.*)$/s
const FLUENTD = /^(\d{4}-\d\d-\d\d[T ]\S+(?: [+-]\d{4})?)[\t ][\w.*-]+(?:\t|: )(\{.*)$/s
/** Caddy's console: time, level, logger, message, and the request as JSON. */
const CADDY = /^(\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d(?:\.\d+)?)\t\w+\t[\w.]+\t[^\t]*\t(\{.*)$/s

function byPattern(pattern: RegExp, time: number, text: number): Unwrap {
  return (line) => {
    const match = pattern.exec(line)
    if (match === null) return undefined
    return { text: match[text] ?? '', timeMs: parseLogTime(match[time]), isPartial: false }
  }
}

/** Fields of JSON that hold a whole line, and those of its time. */
const LINE_FIELDS = ['log', 'MESSAGE', 'message', 'textPayload', 'msg', 'line']
const TIME_FIELDS = ['time', '__REALTIME_TIMESTAMP', '@timestamp', 'timestamp', 'date', 'ts']

/** Docker's json-file, journald's JSON, and what log shippers write. */
const json: Unwrap = (line) => {
  if (!line.startsWith('{')) return undefined
  const object = objectOf(line)
  const name =
    object && LINE_FIELDS.find((field) => typeof object[field] === 'string' || isBytes(object[field]))
  if (name === undefined) return undefined
  const value = object![name] as string | number[]
  const text = typeof value === 'string' ? bytesOf(value) : Buffer.from(value).toString('latin1')
  const whole = text.replace(/\r?\n$/, '')
  const timeMs = parseLogTime(object![TIME_FIELDS.find((field) => object![field] !== undefined) ?? ''])
  return {
    text: whole,
    timeMs,
    stream: String(object!['stream']),
    isPartial: name === 'log' && 'stream' in object! && whole === text && text.length >= DOCKER_PIECE,
  }
}

/** Docker cuts lines into pieces of this size; all but the last have no end of line. */
const DOCKER_PIECE = 16_384

/** journald writes a message that is no UTF-8 as a list of bytes. */
function isBytes(value: unknown): value is number[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.length <= MAX_LINE_LENGTH &&
    value.every(Number.isInteger)
  )
}

/** One character for each byte, as parsers take a line. */
function bytesOf(text: string): string {
  return /[^\x00-\x7f]/.test(text) ? Buffer.from(text, 'utf8').toString('latin1') : text
}

const cri: Unwrap = (line) => {
  const match = CRI.exec(line)
  if (match === null) return undefined
  return { text: match[4]!, timeMs: parseLogTime(match[1]), isPartial: match[3] === 'P', stream: match[2]! }
}

const syslog: Unwrap = (line) => {
  const match = SYSLOG.exec(line)
  // A time without a year says nothing.
  return match === null ? undefined : { text: match[3]!, timeMs: parseLogTime(match[2]), isPartial: false }
}

const colours: Unwrap = (line) =>
  line.includes('\x1b[') ? { text: line.replace(COLOURS, ''), timeMs: NaN, isPartial: false } : undefined

/** What puts something before or around the lines of a log. */
export const WRAPPERS = {
  /** RFC 3164, also as rsyslog, journalctl and Heroku write it */
  syslog,
  'syslog (RFC 5424)': byPattern(SYSLOG_5424, 1, 2),
  logplex: byPattern(LOGPLEX, 1, 2),
  'Kubernetes (CRI)': cri,
  'JSON around lines': json,
  'kubectl logs --prefix': byPattern(PREFIX, 0, 1),
  'Docker Compose': byPattern(COMPOSE, 0, 1),
  Fluentd: byPattern(FLUENTD, 1, 2),
  'the console of Caddy': byPattern(CADDY, 1, 2),
  'a time': byPattern(TIMESTAMP, 1, 2),
  colours,
} as const satisfies Record<string, Unwrap>

export type WrapperName = keyof typeof WRAPPERS

/** A line without its wrappers. */
export interface Bare {
  readonly text: string
  readonly timeMs: number
}

/**
 * Takes lines out of wrappers, the outermost first, and puts the pieces of a line together.
 *
 * @returns null for a piece of a line that goes on
 */
export function createUnwrapper(chain: readonly WrapperName[]): (line: string) => Bare | null {
  const levels = chain.map((name) => ({ unwrap: WRAPPERS[name] as Unwrap, begun: new Map<string, string>() }))
  return (line) => {
    let [text, timeMs] = [line, NaN]
    for (const { unwrap, begun } of levels) {
      const inner = unwrap(text)
      if (inner === undefined) continue
      const { stream = '', isPartial } = inner
      text = begun.size === 0 ? inner.text : (begun.get(stream) ?? '') + inner.text
      if (!Number.isNaN(inner.timeMs)) timeMs = inner.timeMs
      if (isPartial && text.length <= MAX_LINE_LENGTH && begun.size < MAX_STREAMS) {
        begun.set(stream, text)
        return null
      }
      if (begun.size > 0) begun.delete(stream)
    }
    return { text, timeMs }
  }
}

/** A program has two. */
const MAX_STREAMS = 8
