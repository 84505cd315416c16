import { expression, UnreadableLimits, type SeenRequest } from './limits.js'
import { at, fieldsOf, lineOf, type YamlNode } from './yaml-nodes.js'

export type RequestTest = (request: SeenRequest) => boolean

const IGNORED = new Set(['case_sensitive', 'name'])

/** The `match` of a route. @throws UnreadableLimits naming what no log tells */
export function routeMatch(node: YamlNode): RequestTest {
  const isInsensitive = at(node, 'case_sensitive')?.value === false
  const fold = (text: string) => (isInsensitive ? text.toLowerCase() : text)
  const tests = [...fieldsOf(node)].flatMap(([name, value]): RequestTest[] => {
    const text = fold(String(value.value))
    if (name === 'prefix') return [({ path }) => fold(path).startsWith(text)]
    if (name === 'path') return [({ path }) => fold(path) === text]
    if (name === 'path_separated_prefix')
      return [({ path }) => fold(path) === text || fold(path).startsWith(`${text}/`)]
    if (name === 'safe_regex') {
      const pattern = wholePattern(value)
      return [({ path }) => pattern.test(path)]
    }
    if (name === 'headers') return (value.items ?? []).map(headerMatch)
    if (name === 'grpc' || name === 'connect_matcher')
      return [({ method }) => name === 'connect_matcher' && method === 'CONNECT']
    if (IGNORED.has(name)) return []
    throw new UnreadableLimits(lineOf(value), `${name} of a match is not understood`)
  })
  return (request) => tests.every((test) => test(request))
}

function wholePattern(node: YamlNode): RegExp {
  return expression(`^(?:${String(at(node, 'regex')?.value)})$`, lineOf(node))
}

/** The value of a header that a log tells; null for any other. */
export function headerValue(name: string): ((request: SeenRequest) => string) | null {
  const lower = name.toLowerCase()
  if (lower === ':path') return ({ path }) => path
  if (lower === ':method') return ({ method }) => method
  if (lower === 'user-agent') return ({ agent }) => agent
  return lower === 'x-forwarded-for' || lower === 'x-real-ip' ? ({ address }) => address : null
}

/** A matcher of a header that a log tells. */
export function headerMatch(node: YamlNode): RequestTest {
  const name = String(at(node, 'name')?.value)
  const value = headerValue(name)
  if (value === null)
    throw new UnreadableLimits(lineOf(node), `a log does not tell the header ${name.slice(0, 80)}`)
  const test = stringTest(node)
  const isInverted = at(node, 'invert_match')?.value === true
  return (request) => test(value(request)) !== isInverted
}

function stringTest(node: YamlNode): (text: string) => boolean {
  const match = at(node, 'string_match')
  const isInsensitive = at(match, 'ignore_case')?.value === true
  const fold = (text: string) => (isInsensitive ? text.toLowerCase() : text)
  const given = (name: string) => {
    const found = at(match, name)?.value ?? at(node, `${name}_match`)?.value
    return typeof found === 'string' ? fold(found) : undefined
  }
  const [exact, prefix, suffix, contains] = ['exact', 'prefix', 'suffix', 'contains'].map(given)
  if (exact !== undefined) return (text) => fold(text) === exact
  if (prefix !== undefined) return (text) => fold(text).startsWith(prefix)
  if (suffix !== undefined) return (text) => fold(text).endsWith(suffix)
  if (contains !== undefined) return (text) => fold(text).includes(contains)
  const regex = at(match, 'safe_regex') ?? at(node, 'safe_regex_match')
  if (regex) {
    const pattern = wholePattern(regex)
    return (text) => pattern.test(text)
  }
  if (at(node, 'present_match')?.value === true) return (text) => text !== ''
  throw new UnreadableLimits(lineOf(node), 'a match of a header is not understood')
}
