import { cutFormat, joinTexts, type Piece } from './pieces.js'
import { headerRole, latency, NOTHING, type Role } from './variables.js'

/** `%ci`, `%{+Q}r`, `%[req.hdr(User-Agent)]`, `%{+json}[…]`; seconds and milliseconds side by side are one time. */
const ALIAS = /%(?:(%)|Ts\.%(ms)|\{([^}]*)\}|)(?:\[((?:[^[\]]|\[[^\]]*\])*)\]|([A-Za-z]+))?/g
const DIRECTIVE = /^\s*(?:error-)?log-format\s+([^]+?)\s*$/
/** Names that no other server has: Apache's have one letter. */
const OWN =
  /%(?:\{[^}]*\})?(?:\[|(?:ci|cp|fi|fp|si|sp|bi|bp|ft|ST|tr[gl]?|trg|Tl|Ts|Ta|Tt|TR|Tr|HM|HP|HU|HV|HQ|HPO|ac|fc|bc|sc|rc|sq|bq|hr|hs|tsc?)\b)/

const ALIASES: Readonly<Record<string, Role>> = {
  ci: { of: 'remote', rank: 0 },
  t: { of: 'time' },
  tr: { of: 'time' },
  trg: { of: 'time' },
  trl: { of: 'time' },
  T: { of: 'time' },
  Tl: { of: 'time' },
  Ts: { of: 'time' },
  r: { of: 'request' },
  HM: { of: 'method' },
  HP: { of: 'path' },
  HPO: { of: 'path' },
  HU: { of: 'path' },
  ST: { of: 'status', rank: 0 },
  B: { of: 'bytes' },
  Ta: latency('ms'),
  Tt: latency('ms', 1),
  hr: { of: 'captures' },
  hs: { of: 'captures' },
  HQ: { of: 'captures' },
}

const FETCHES: Readonly<Record<string, Role>> = {
  src: { of: 'remote', rank: 0 },
  method: { of: 'method' },
  'capture.req.method': { of: 'method' },
  path: { of: 'path' },
  pathq: { of: 'path' },
  url: { of: 'path' },
  'capture.req.uri': { of: 'path' },
  status: { of: 'status', rank: 0 },
  'txn.status': { of: 'status', rank: 1 },
  date: { of: 'time' },
  accept_date: { of: 'time' },
  request_date: { of: 'time' },
  'txn.timer.user': latency('ms'),
  'txn.timer.total': latency('ms', 1),
}

/** `log-format "…"` as it is in haproxy.cfg, or in the syntax of HAProxy alone. */
export const isHaproxySyntax = (format: string) => DIRECTIVE.test(format) || OWN.test(format)

/** The pieces of a format in HAProxy's syntax: docs.haproxy.org, 8.2.6 "Custom log format". */
export function haproxyPieces(text: string): Piece[] {
  const format = unquoted(DIRECTIVE.exec(text)?.[1] ?? text)
  let areQuoted = false
  const pieces = cutFormat(format, ALIAS, ([whole, percent, ms, flags = '', fetch, alias]) => {
    if (percent !== undefined) return '%'
    if (ms !== undefined) return { name: '$msec', role: { of: 'time' } }
    const isQuoted = flags.includes('+Q') || (areQuoted && !flags.includes('-Q'))
    if (alias === 'o') {
      areQuoted = isQuoted
      return ''
    }
    if (fetch === undefined && alias === undefined) return whole
    const role = fetch === undefined ? (ALIASES[alias!] ?? NOTHING) : fetchRole(fetch)
    const variable = { name: whole, role }
    return isQuoted ? ['"', variable, '"'] : variable
  })
  return joinTexts(withOptionals(pieces))
}

function unquoted(text: string): string {
  if (/^".*"$/s.test(text)) return text.slice(1, -1).replace(/\\(["\\])/g, '$1')
  return /^'.*'$/s.test(text) ? text.slice(1, -1) : text.replace(/\\([ "'\\])/g, '$1')
}

/** A sample fetch: `req.hdr(user-agent),lower` */
function fetchRole(expression: string): Role {
  const [, name = '', argument] = /^([\w.]+)(?:\(([^)]*)\))?/.exec(expression.trim()) ?? []
  if (/^(?:req\.)?f?hdr(?:_ip)?$/.test(name)) return headerRole((argument ?? '').split(',')[0]!.toLowerCase())
  return FETCHES[name] ?? NOTHING
}

/** What may be empty takes the space after it along, as HAProxy writes one space then. */
function withOptionals(pieces: readonly Piece[]): Piece[] {
  return pieces.map((piece, index) => {
    const before = pieces[index - 1]
    const follows = typeof before === 'object' && before.role.of === 'captures'
    return typeof piece === 'string' && follows && piece.startsWith(' ') ? piece.slice(1) : piece
  })
}
