import { fieldText } from './field-text.js'
import type { LineParser, LogEntry } from './log-entry.js'
import { parseLogTime } from './log-time.js'
import { readRequestLine } from './request-line.js'

const QUOTE = 34
const BACKSLASH = 92
/** Seconds with decimals, by themselves or after a name, as NGINX's $request_time. */
const SECONDS = /^(?:(?:rt|request_time)=)?(\d{1,9}\.\d{1,9})$/
const NAMED_SECONDS = /^(?:rt|request_time)=(\d{1,9}(?:\.\d{1,9})?)$/
const BYTES = /^\d{1,15}$/

/**
 * Reads lines of the common log format and of what it has been extended to: `client identity user [time] "request"
 * status bytes`, then, where they are there, `"referer" "user agent"` and NGINX's $request_time. A line may end
 * within the quotes of the referer or the user agent; other fields at the end are of no matter. Linear in the line.
 *
 * @param hasHost the name of the virtual host comes first
 */
export function createClfParser(hasHost: boolean): LineParser {
  const timeOf = rememberLast(parseLogTime)
  return (line, entry) => {
    const start = hasHost ? line.indexOf(' ') + 1 : 0
    if (hasHost && start === 0) return 'no virtual host'
    const close = line.indexOf('] "', start)
    const open = line.lastIndexOf(' [', close) // from the end of the time, as a user may have brackets in the name
    if (open < start || close < 0) return 'no time in brackets, followed by a request in quotes'
    if (!readCaller(line.slice(start, open), entry)) return 'no client, identity and user before the time'
    entry.timeMs = timeOf(line.slice(open + 2, close))
    if (Number.isNaN(entry.timeMs)) return 'a time that cannot be read'
    const request = close + 3
    const end = closingQuote(line, request)
    if (end < 0) return 'a request that does not end'
    readRequestLine(fieldText(line.slice(request, end)), entry)
    return readAnswer(line, end + 1, entry)
  }
}

/** Most lines are of the same second as the one before. */
function rememberLast(parse: (text: string) => number): (text: string) => number {
  let lastText = ''
  let last = NaN
  return (text) => {
    if (text === lastText) return last
    last = parse(text)
    lastText = text
    return last
  }
}

/** `client identity user`; a user may have spaces and brackets in the name. */
function readCaller(text: string, entry: LogEntry): boolean {
  const first = text.indexOf(' ')
  const second = text.indexOf(' ', first + 1)
  if (first < 1 || second < 0) return false
  const client = text.slice(0, first)
  if (client === '-') return false
  entry.client = client
  const user = text.slice(second + 1)
  entry.user = user === '-' || user === '""' || user === '' ? null : fieldText(user)
  return true
}

/** ` status bytes` and what follows. */
function readAnswer(line: string, at: number, entry: LogEntry): string | undefined {
  const status = statusAt(line, at + 1)
  if (line.charCodeAt(at) !== 32 || status < 0) return 'no status of three digits after the request'
  entry.status = status
  const bytesEnd = endOfWord(line, at + 5)
  const bytes = line.slice(at + 5, bytesEnd)
  entry.bytes = BYTES.test(bytes) ? Number(bytes) : null
  if (entry.bytes === null && bytes !== '-' && bytes !== '') return 'no size after the status'
  readExtensions(line, bytesEnd + 1, entry)
  return undefined
}

/** Three digits and the end of the word; -1 when there is something else. */
function statusAt(line: string, at: number): number {
  const value =
    100 * digit(line.charCodeAt(at)) + 10 * digit(line.charCodeAt(at + 1)) + digit(line.charCodeAt(at + 2))
  const ends = at + 3 === line.length || line.charCodeAt(at + 3) === 32
  return ends && value >= 0 ? value : -1
}

const digit = (code: number) => (code >= 48 && code <= 57 ? code - 48 : NaN)

function readExtensions(line: string, start: number, entry: LogEntry): void {
  entry.agent = null
  entry.latencyMs = null
  entry.isCut = false
  let quoted = 0
  for (let at = start; at < line.length;) {
    if (line.charCodeAt(at) === QUOTE) {
      const end = closingQuote(line, at + 1)
      entry.isCut = end < 0
      const to = end < 0 ? line.length : end
      quoted++
      if (quoted === 2) entry.agent = agentOf(line.slice(at + 1, to))
      else if (quoted > 2) readSeconds(line.slice(at + 1, to), NAMED_SECONDS, entry)
      at = to + 2
    } else {
      const end = endOfWord(line, at)
      if (end > at) readSeconds(line.slice(at, end), SECONDS, entry)
      at = end + 1
    }
  }
}

function agentOf(raw: string): string | null {
  return raw === '-' || raw === '' ? null : fieldText(raw)
}

/** The first that is there: what follows are the times of upstream servers. */
function readSeconds(text: string, pattern: RegExp, entry: LogEntry): void {
  const seconds = entry.latencyMs === null ? (pattern.exec(text) ?? NAMED_SECONDS.exec(text)) : null
  if (seconds) entry.latencyMs = Math.round(Number(seconds[1]) * 1000)
}

function endOfWord(line: string, from: number): number {
  const end = line.indexOf(' ', from)
  return end < 0 ? line.length : end
}

/** The next quote that has no backslash of its own before it. */
function closingQuote(line: string, from: number): number {
  for (let at = line.indexOf('"', from); at >= 0; at = line.indexOf('"', at + 1)) {
    let backslashes = 0
    while (at - backslashes > from && line.charCodeAt(at - backslashes - 1) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return at
  }
  return -1
}
