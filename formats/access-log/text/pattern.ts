import { LogFormatError, type Piece } from './pieces.js'
import type { Role, Variable } from './variables.js'

/** A format as a regular expression, with a group for each variable that says something. */
export interface FormatPattern {
  readonly pattern: RegExp
  /** The variable of each group, in order. */
  readonly groups: readonly Variable[]
}

/** What stands around a variable. */
interface Surroundings {
  /** The text after it; undefined at the end of the format. */
  readonly next: string | undefined
  readonly isQuoted: boolean
  /** Within quotes, though not from one to the other. */
  readonly isInQuotes: boolean
  readonly inQuotes: Quotes
}

/** How quotes end. */
interface Quotes {
  /** What is from one quote to the other. */
  readonly whole: string
  readonly character: string
  /** No question mark. */
  readonly ofPath: string
}

/** A quote within quotes has a backslash before it. */
const ESCAPED: Quotes = {
  whole: '[^"\\\\]*(?:\\\\.[^"\\\\]*)*',
  character: '(?:[^"\\\\]|\\\\.)',
  ofPath: '(?:[^"?\\\\]|\\\\.)*',
}
/** Backslashes are backslashes. */
const UNESCAPED: Quotes = { whole: '[^"]*', character: '[^"]', ofPath: '[^"?]*' }

/** The parts of a list have a comma, or a colon between spaces, between them. */
const LIST = '[^\\s,]+(?:(?:, ?| : )[^\\s,]+)*'
const MAX_USER_LENGTH = 256
/** Characters that end a field, which may have spaces then. */
const STRONG = '|;,\t]}><'

/** What the values look like that no quotes end. */
const BARE: Readonly<Partial<Record<Role['of'], string>>> = {
  forwarded: LIST,
  latency: LIST,
  'latency-term': LIST,
  list: LIST,
  remote: '\\S+',
  time: '\\S+(?: [+-]\\d{4})?',
  request: '(?:[A-Za-z_-]+ .*? HTTP/[\\d.]+|-)',
  // Users may have spaces in their names.
  user: `[^"]{0,${MAX_USER_LENGTH}}?`,
  status: '[-\\d]+',
  bytes: '[-+\\d]+',
  query: '(?:\\?\\S*)?',
  agent: '.*?',
  captures: '(?:(?:\\{[^}]*\\}|\\?\\S*) )*',
  rest: '.*',
}

/**
 * Compiles a format. Two spaces in it stand for one or more. The expression takes time linear in the line, but for a
 * user and a request without quotes around them.
 *
 * @param isEscaped a quote within quotes has a backslash before it
 * @throws LogFormatError when two variables have nothing between them
 */
export function formatPattern(pieces: readonly Piece[], isEscaped: boolean): FormatPattern {
  const inQuotes = isEscaped ? ESCAPED : UNESCAPED
  const merged = mergeTimes(pieces)
  const groups: Variable[] = []
  let source = ''
  let quotes = 0
  merged.forEach((piece, index) => {
    if (typeof piece === 'string') {
      quotes += piece.split('"').length - 1
      source += literal(piece)
      return
    }
    const [before, next] = [merged[index - 1], merged[index + 1]]
    const isQuoted = endsWithQuote(before) && typeof next === 'string' && next.startsWith('"')
    const around = { next: textOf(next), isQuoted, isInQuotes: quotes % 2 === 1, inQuotes }
    const value =
      typeof next === 'object' && next.role.of !== 'rest'
        ? adjacentPattern(piece, next, around)
        : valuePattern(piece, around)
    if (isSilent(piece.role)) source += value
    else {
      groups.push(piece)
      source += `(${value})`
    }
  })
  return { pattern: new RegExp(`^${source}\\s*$`, 's'), groups }
}

const textOf = (piece: Piece | undefined) => (typeof piece === 'string' ? piece : undefined)
const endsWithQuote = (piece: Piece | undefined) => typeof piece === 'string' && piece.endsWith('"')

/** A host before a path, a path before a query string, and the question mark between: nothing else stands side by side. */
function adjacentPattern(piece: Variable, next: Variable, { isInQuotes, inQuotes }: Surroundings): string {
  if (piece.name === '$is_args') return '\\??'
  if (piece.role.of === 'captures') return BARE.captures!
  if (next.role.of === 'path' && (piece.role.of === 'nothing' || piece.role.of === 'host'))
    return '[^/\\s"?]*'
  if (piece.role.of === 'path' && (next.role.of === 'nothing' || next.role.of === 'query'))
    return isInQuotes ? inQuotes.ofPath : '[^?\\s"]*'
  throw new LogFormatError(`there is nothing between ${piece.name} and ${next.name}`)
}

function isSilent({ of }: Role): boolean {
  return of === 'nothing' || of === 'list' || of === 'query' || of === 'rest' || of === 'captures'
}

function literal(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&').replace(/ {2,}/g, ' +')
}

function valuePattern({ name, role }: Variable, around: Surroundings): string {
  const { next, isQuoted, isInQuotes, inQuotes } = around
  if (isQuoted) return inQuotes.whole
  if (role.of === 'captures') return next === undefined ? '.*' : BARE.captures!
  if (role.of === 'rest' || role.of === 'query') return BARE[role.of]!
  if (next === '') return '\\S*'
  if (next === undefined && role.of === 'agent') return '.*'
  if (name.startsWith('$date')) return name === '$date' ? '\\S+' : '\\S+[ \\t]+(?:- )?\\S+'
  const end = next?.[0]
  if (end !== undefined && STRONG.includes(end)) return `[^${literal(end)}]*`
  if (isInQuotes) return role.of === 'path' || role.of === 'request' ? `${inQuotes.character}*?` : '[^\\s"]*'
  if (role.of === 'time') return timePattern(name)
  const ofRole = BARE[role.of]
  if (end === undefined || end === ' ') return ofRole ?? '\\S*'
  return role.of === 'remote' || role.of === 'status' || role.of === 'bytes'
    ? ofRole!
    : `[^\\s${literal(end)}]*`
}

/** As many words as the format of a time has. */
function timePattern(name: string): string {
  const argument =
    /^%\{(.*)\}t$/.exec(name)?.[1] ?? /^%START_TIME\w*\((.*)\)%$/.exec(name)?.[1] ?? OF_HTTP[name]
  if (argument === undefined) return BARE.time!
  return argument.split(' ').fill('\\S+').join(' ')
}

const HTTP_DATE = '%a, %d %b %Y %T GMT'
/** Times as HTTP has them. */
const OF_HTTP: Readonly<Record<string, string>> = { ':date': HTTP_DATE, ':date[web]': HTTP_DATE }

const COMPLETE = /^%\{(?:(?:begin|end):)?(?:sec|msec|usec)\}t$/

/** A date and a time of day, and the parts of a time of Apache's, are one time. */
function mergeTimes(pieces: readonly Piece[]): Piece[] {
  const merged: Piece[] = []
  for (const piece of pieces) {
    const [first, between] = [merged.at(-2), merged.at(-1)]
    if (isPart(first) && typeof between === 'string' && isContinuation(piece)) {
      merged.splice(-2, 2, { name: mergedName(first.name, between, piece.name), role: { of: 'time' } })
    } else merged.push(piece)
  }
  return merged
}

function isPart(piece: Piece | undefined): piece is Variable {
  if (piece === undefined || typeof piece === 'string' || piece.role.of !== 'time') return false
  return (
    piece.name === '$date' ||
    (/^%\{.*\}t$/.test(piece.name) && !COMPLETE.test(piece.name)) ||
    piece.name === '%{sec}t'
  )
}

function isContinuation(piece: Piece): piece is Variable {
  if (typeof piece === 'string' || piece.role.of !== 'time') return false
  return piece.name === '$time' || (/^%\{.*\}t$/.test(piece.name) && !COMPLETE.test(piece.name))
}

function mergedName(first: string, between: string, last: string): string {
  if (first === '$date') return `$date${between}$time`
  return `%{${first.slice(2, -2)}${between}${last.slice(2, -2)}}t`
}
