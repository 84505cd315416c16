/** What stands in a template where paths differ. */
const PLACEHOLDER = '{id}'

/** As long as a pattern of rate_limit_recommendations may be, in UTF-16 units. */
const MAX_TEMPLATE_LENGTH = 255

/** `42`, `-3.5`, `2026-01-31`: digits, also in groups. */
const NUMBER = /^[+-]?\d+(?:[.,:_-]\d+)*$/
const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/i
/** MD5, SHA, object ids: hexadecimal digits and nothing else. */
const HASH = /^(?:0x)?[\da-f]{16,}$/i
const LETTER = /\p{L}/u
const DIGIT = /\d/

/** Longer than a name that people gave. */
const MAX_NAME_LENGTH = 40
/** From here on letters mixed with digits are a token. */
const SHORTEST_TOKEN = 20

const MAX_EXTENSION_LENGTH = 5
const EXTENSION = /^[a-z][a-z\d]*$/i

/**
 * The template of a raw request path, which it shares with the other paths of its endpoint: query string and
 * fragment are dropped; numbers, UUIDs, hashes (16 hexadecimal digits or more) and long tokens (20 characters or
 * more that mix letters and digits, or more than 40) become `{id}`, segment by segment, before a file extension
 * too. Longer results end with the last whole segment within 255 UTF-16 units. No path at all is `/`.
 *
 * Never throws; a template is its own template; linear in the length of the path.
 *
 * @example pathTemplate('/users/42/orders/7.json?page=2') // '/users/{id}/orders/{id}.json'
 */
export function pathTemplate(path: string): string {
  const end = path.search(/[?#]/)
  const segments = (end < 0 ? path : path.slice(0, end)).split('/')
  let template = segmentTemplate(segments[0]!)
  for (let i = 1; i < segments.length; i++) {
    const next = segmentTemplate(segments[i]!)
    if (template.length + 1 + next.length > MAX_TEMPLATE_LENGTH) break
    template += `/${next}`
  }
  return template || '/'
}

function segmentTemplate(segment: string): string {
  const dot = segment.lastIndexOf('.')
  const extension = segment.slice(dot + 1)
  if (dot > 0 && extension.length <= MAX_EXTENSION_LENGTH && EXTENSION.test(extension)) {
    return `${nameOrPlaceholder(segment.slice(0, dot))}.${extension}`
  }
  return nameOrPlaceholder(segment)
}

function nameOrPlaceholder(name: string): string {
  const { length } = name
  if (length > MAX_NAME_LENGTH) return PLACEHOLDER
  if (length >= SHORTEST_TOKEN && LETTER.test(name) && DIGIT.test(name)) return PLACEHOLDER
  return NUMBER.test(name) || UUID.test(name) || HASH.test(name) ? PLACEHOLDER : name
}
