import { fieldText, haproxyText, plainText, type ToText } from '../field-text.js'
import { envoyPieces, isEnvoySyntax } from './envoy-syntax.js'
import { gunicornPieces, isGunicornSyntax } from './gunicorn-syntax.js'
import { haproxyPieces, isHaproxySyntax } from './haproxy-syntax.js'
import { isMorganSyntax, morganPieces } from './morgan-syntax.js'
import { cutFormat, LogFormatError, type Piece } from './pieces.js'
import { apacheRole, nginxRole } from './variables.js'

const MAX_FORMAT_LENGTH = 4096
/** Amazon's API Gateway has the same syntax with dots: `$context.identity.sourceIp` */
const NGINX_VARIABLE = /\$(?:\{(\w+)\}|(context(?:\.\w+)+|\w+))/g
const APACHE_DIRECTIVE =
  /%(?:(%)|(!?\d{3}(?:,\d{3})*)?([<>]?)(?:\{((?:[^{}]|\\?\{[^{}]*\})*)\})?([<>]?)(\^F[UB]|\^t[io]|[A-Za-z])?)/g
/** `log_format main escape=json '…' '…';` as it is in nginx.conf. */
const NGINX_DIRECTIVE = /^\s*log_format\s+\S+\s+(?:escape=\w+\s+)?([^]+?)\s*;?\s*$/
/** `LogFormat "…" combined` as it is in httpd.conf. */
const APACHE_LINE = /^\s*(?:LogFormat|CustomLog\s+\S+)\s+"((?:[^"\\]|\\.)*)"/i

interface FormatPieces {
  readonly pieces: readonly Piece[]
  /** How that server escapes. */
  readonly toText: ToText
}

/**
 * The pieces of a format in the syntax of NGINX (`$remote_addr [$time_local] …`), Apache (`%h %t …`), HAProxy
 * (`%ci %ST …`), Envoy (`%REQ(:METHOD)% …`), Gunicorn (`%(h)s …`) or morgan (`:method :url …`): the text alone, or the
 * whole directive of NGINX, Apache and HAProxy.
 *
 * @throws LogFormatError
 */
export function formatPieces(text: string): FormatPieces {
  if (text.length > MAX_FORMAT_LENGTH)
    throw new LogFormatError(`it is longer than ${MAX_FORMAT_LENGTH} characters`)
  const ofNginx = NGINX_DIRECTIVE.exec(text)
  const ofApache = APACHE_LINE.exec(text)
  const format = ofNginx ? joined(ofNginx[1]!) : ofApache ? ofApache[1]! : text
  if (/\$\{?\w/.test(format)) return { pieces: nginxPieces(format), toText: fieldText }
  if (isEnvoySyntax(format)) return { pieces: envoyPieces(format), toText: plainText }
  if (isGunicornSyntax(format)) return { pieces: gunicornPieces(format), toText: fieldText }
  if (!ofApache && isHaproxySyntax(format)) return { pieces: haproxyPieces(format), toText: haproxyText }
  if (/%[<>!\d{]*[A-Za-z]/.test(format)) {
    const plain = format.replace(/\\"/g, '"').replace(/\\t/g, '\t')
    return { pieces: apachePieces(plain), toText: fieldText }
  }
  if (isMorganSyntax(format)) return { pieces: morganPieces(format), toText: plainText }
  throw new LogFormatError(
    'it has no variables: write them as NGINX ($remote_addr), Apache (%h), HAProxy (%ci) or Envoy (%REQ(:PATH)%) does',
  )
}

/** Quoted texts one after the other are one text. */
function joined(text: string): string {
  const parts = text.match(/'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|\S+/g) ?? []
  return parts
    .map((part) => (/^(['"])[^]*\1$/.test(part) ? part.slice(1, -1).replace(/\\(['"\\])/g, '$1') : part))
    .join('')
}

function nginxPieces(format: string): Piece[] {
  return cutFormat(format, NGINX_VARIABLE, ([, braced, bare]) => {
    const name = (braced ?? bare)!
    return { name: `$${name}`, role: nginxRole(name) }
  })
}

function apachePieces(format: string): Piece[] {
  return cutFormat(format, APACHE_DIRECTIVE, ([whole, percent, , before, argument, after, letters]) => {
    if (percent !== undefined) return '%'
    if (letters === undefined)
      throw new LogFormatError(`${JSON.stringify(whole)} is no directive of Apache's`)
    const variable = { name: whole, role: apacheRole(`${before || after || ''}${letters}`, argument) }
    // `%t` has brackets around it, `%{…}t` has none.
    return letters === 't' && argument === undefined ? ['[', variable, ']'] : variable
  })
}
