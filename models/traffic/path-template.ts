import { HASH, ID, isBuildHash, isId } from './placeholders.js'

/** As long as a pattern of rate_limit_recommendations may be, in UTF-16 units. */
export const MAX_TEMPLATE_LENGTH = 255

const MAX_EXTENSION_LENGTH = 5
const EXTENSION = /^[a-z][a-z\d]*$/i
/** `-1.2.3`, `-v1.2.3`, `@4.17.21`: what stands before the digits stays. */
const VERSION = /([-_.@]v?)\d+(?:\.\d+)+(?=$|[.-])/gi
/** The same of a folder, `bootstrap-5.3.0`, `lodash@4`: `api-2.1` has an interface of its own. */
const FOLDER_VERSION = /(@v?(?=\d+(?:\.\d+)*(?:$|[.-]))|[-_.]v?(?=\d+\.\d+\.\d))\d+(?:\.\d+)*(?=$|[.-])/gi
/** `backup-2026-01-31`, `backup_20260131-1015`, before or after other parts of a name. */
const DATE = /(^|[-_.])20\d\d([-_.]?)(?:0[1-9]|1[0-2])\2(?:[0-2]\d|3[01])(?:[-_]\d{4,6})?(?=$|[-_.])/g
/** `Products(42)`, `Products(guid'…')`: a key of OData. */
const KEYED = /^([A-Za-z_][\w.]*\((?:guid)?'?)([^'(){}]+)('?\))$/
/** `42:activate`: an action on what has an id. */
const ACTION = /^([^:{}]+)(:[A-Za-z]+)$/

/**
 * The template of a raw request path, which it shares with the other paths of its endpoint: query string and
 * fragment are dropped; what has one of the shapes of {@link isId} becomes `{id}`, segment by segment, before a file
 * extension too; so do the version, the date and the build hash of a file; what bundlers write there becomes `{hash}`. Longer results end with the last whole segment within
 * 255 UTF-16 units. No path at all is `/`.
 *
 * Never throws; a template is its own template; linear in the length of the path.
 *
 * @example pathTemplate('/users/42/orders/7.json?page=2') // '/users/{id}/orders/{id}.json'
 * @example pathTemplate('/static/main.3f2a91bc.js') // '/static/main.{id}.js'
 */
export function pathTemplate(path: string): string {
  const segments = withoutQuery(path).split('/')
  let template = segmentTemplate(segments[0]!)
  for (let i = 1; i < segments.length; i++) {
    const next = segmentTemplate(segments[i]!)
    if (template.length + 1 + next.length > MAX_TEMPLATE_LENGTH) break
    template += `/${next}`
  }
  return template || '/'
}

/** Without query string and fragment. */
export function withoutQuery(path: string): string {
  const end = path.search(/[?#]/)
  return end < 0 ? path : path.slice(0, end)
}

function segmentTemplate(segment: string): string {
  if (isId(segment)) return ID
  const template = segment.includes(';') ? matrixTemplate(segment) : partsTemplate(segment)
  return template !== segment && isId(template) ? ID : template
}

function partsTemplate(segment: string): string {
  const dot = segment.lastIndexOf('.')
  const extension = segment.slice(dot + 1)
  if (dot > 0 && extension.length <= MAX_EXTENSION_LENGTH && EXTENSION.test(extension)) {
    return `${fileTemplate(segment.slice(0, dot))}.${extension}`
  }
  if (!/\d/.test(segment)) return segment
  const [, before, id, after] = KEYED.exec(segment) ?? []
  if (id !== undefined && isId(id)) return `${before}${ID}${after}`
  const [, acted, action] = ACTION.exec(segment) ?? []
  if (acted !== undefined && isId(acted)) return `${ID}${action}`
  return segment.replace(FOLDER_VERSION, `$1${ID}`)
}

/** `item;v=42`, `a;jsessionid=…`: parameters of a segment (RFC 3986, section 3.3). */
function matrixTemplate(segment: string): string {
  const [name, ...parameters] = segment.split(';')
  const folded = parameters.map((each) => {
    const value = each.indexOf('=') + 1
    return value > 0 && isId(each.slice(value)) ? each.slice(0, value) + ID : each
  })
  return [isId(name!) ? ID : partsTemplate(name!), ...folded].join(';')
}

/** Of the name of a file without its extension. */
function fileTemplate(name: string): string {
  if (isId(name)) return ID
  if (!/\d/.test(name)) return name
  const plain = name.replace(DATE, `$1${ID}`).replace(VERSION, `$1${ID}`)
  const template = plain.split('.').map(partTemplate).join('.')
  return isId(template) ? ID : template
}

/** Characters of a hash as bundlers write it. */
const BUILD_HASH_LENGTH = 8

/** `main-3f2a91bc`, `3f2a91bc`, `index-BX2k9aQz`: a hash at the end, after a name or alone. */
function partTemplate(part: string, index: number): string {
  if (index > 0 && isId(part)) return ID
  const dash = part.lastIndexOf('-')
  if (dash > 0 && isHash(part.slice(dash + 1))) return `${part.slice(0, dash + 1)}${ID}`
  const [name, end] = [part.slice(0, -BUILD_HASH_LENGTH), part.slice(-BUILD_HASH_LENGTH)]
  const isApart = name === '' ? index > 0 : name.endsWith('-')
  return isApart && isBuildHash(end) ? `${name}${HASH}` : part
}

function isHash(text: string): boolean {
  return text.length >= 7 && /[a-z]/i.test(text) && isId(text)
}
