import { ID, isId } from './placeholders.js'

/** As long as a pattern of rate_limit_recommendations may be, in UTF-16 units. */
export const MAX_TEMPLATE_LENGTH = 255

const MAX_EXTENSION_LENGTH = 5
const EXTENSION = /^[a-z][a-z\d]*$/i
/** `-1.2.3`, `-v1.2.3`, `@4.17.21`: what stands before the digits stays. */
const VERSION = /([-_.@]v?)\d+(?:\.\d+)+(?=$|[.-])/gi

/**
 * The template of a raw request path, which it shares with the other paths of its endpoint: query string and
 * fragment are dropped; what has one of the shapes of {@link isId} becomes `{id}`, segment by segment, before a file
 * extension too; so do the version and the build hash of a file. Longer results end with the last whole segment within
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
  const dot = segment.lastIndexOf('.')
  const extension = segment.slice(dot + 1)
  if (dot > 0 && extension.length <= MAX_EXTENSION_LENGTH && EXTENSION.test(extension)) {
    return `${fileTemplate(segment.slice(0, dot))}.${extension}`
  }
  return segment
}

/** Of the name of a file without its extension. */
function fileTemplate(name: string): string {
  if (isId(name)) return ID
  if (!/\d/.test(name)) return name
  return name.replace(VERSION, `$1${ID}`).split('.').map(partTemplate).join('.')
}

/** `main-3f2a91bc`, `3f2a91bc`: a hash at the end, after a name or alone. */
function partTemplate(part: string, index: number): string {
  if (index > 0 && isId(part)) return ID
  const dash = part.lastIndexOf('-')
  return dash > 0 && isBuildHash(part.slice(dash + 1)) ? `${part.slice(0, dash + 1)}${ID}` : part
}

function isBuildHash(text: string): boolean {
  return text.length >= 7 && /[a-z]/i.test(text) && isId(text)
}
