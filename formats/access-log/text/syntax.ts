import { apacheRole, nginxRole, type Variable } from './variables.js'

/** A format in pieces: texts that stand there as they are, and variables. */
export type Piece = string | Variable

/** A format that cannot be used. The message says why. */
export class LogFormatError extends Error {}

const MAX_FORMAT_LENGTH = 4096
const NGINX_VARIABLE = /\$(?:\{(\w+)\}|(\w+))/g
const APACHE_DIRECTIVE =
  /%(?:(%)|(!?\d{3}(?:,\d{3})*)?([<>]?)(?:\{([^}]*)\})?([<>]?)(\^F[UB]|\^t[io]|[A-Za-z])?)/g
/** `log_format main escape=json '…' '…';` as it is in nginx.conf. */
const NGINX_DIRECTIVE = /^\s*log_format\s+\S+\s+(?:escape=\w+\s+)?([^]+?)\s*;?\s*$/
/** `LogFormat "…" combined` as it is in httpd.conf. */
const APACHE_LINE = /^\s*(?:LogFormat|CustomLog\s+\S+)\s+"((?:[^"\\]|\\.)*)"/i

/**
 * The pieces of a format in NGINX's syntax (`$remote_addr [$time_local] …`) or in Apache's (`%h %t …`): the text
 * alone, or the whole directive of the configuration.
 *
 * @throws LogFormatError
 */
export function formatPieces(text: string): Piece[] {
  if (text.length > MAX_FORMAT_LENGTH)
    throw new LogFormatError(`it is longer than ${MAX_FORMAT_LENGTH} characters`)
  const ofNginx = NGINX_DIRECTIVE.exec(text)
  const ofApache = APACHE_LINE.exec(text)
  const format = ofNginx ? joined(ofNginx[1]!) : ofApache ? ofApache[1]! : text
  if (/\$\{?\w/.test(format)) return nginxPieces(format)
  if (/%[<>!\d{]*[A-Za-z]/.test(format))
    return apachePieces(format.replace(/\\"/g, '"').replace(/\\t/g, '\t'))
  throw new LogFormatError('it has no variables: write them as NGINX ($remote_addr) or as Apache (%h) does')
}

/** Quoted texts one after the other are one text. */
function joined(text: string): string {
  const parts = text.match(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\S+/g) ?? []
  return parts
    .map((part) => (/^(['"])[^]*\1$/.test(part) ? part.slice(1, -1).replace(/\\(['"\\])/g, '$1') : part))
    .join('')
}

function nginxPieces(format: string): Piece[] {
  return pieces(format, NGINX_VARIABLE, ([, braced, bare]) => {
    const name = (braced ?? bare)!
    return { name: `$${name}`, role: nginxRole(name) }
  })
}

function apachePieces(format: string): Piece[] {
  const found = pieces(format, APACHE_DIRECTIVE, ([whole, percent, , before, argument, after, letters]) => {
    if (percent !== undefined) return '%'
    if (letters === undefined)
      throw new LogFormatError(`${JSON.stringify(whole)} is no directive of Apache's`)
    return { name: whole, role: apacheRole(`${before || after || ''}${letters}`, argument) }
  })
  return found.flatMap((piece) => (isApacheTime(piece) ? ['[', piece, ']'] : [piece]))
}

/** `%t` has brackets around it, `%{…}t` has none. */
function isApacheTime(piece: Piece): piece is Variable {
  return typeof piece !== 'string' && /^%[<>!\d,]*t$/.test(piece.name)
}

function pieces(format: string, pattern: RegExp, read: (match: RegExpMatchArray) => Piece): Piece[] {
  const found: Piece[] = []
  let end = 0
  for (const match of format.matchAll(pattern)) {
    if (match.index > end) found.push(format.slice(end, match.index))
    found.push(read(match))
    end = match.index + match[0].length
  }
  if (end < format.length) found.push(format.slice(end))
  return found
}
