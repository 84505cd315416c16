import { networkMatcher } from './network-matcher.js'
import { expression, UnreadableLimits, type OtherFiles } from './limits.js'

export type TextTest = (text: string) => boolean

/** A pattern of an acl or the key of a map, by how it compares. @throws UnreadableLimits */
export function textTest(method: string, value: string, isInsensitive: boolean, line: number): TextTest {
  const fold = (text: string) => (isInsensitive ? text.toLowerCase() : text)
  const wanted = fold(value)
  if (method === '' || method === 'str') return (text) => fold(text) === wanted
  if (method === 'beg') return (text) => fold(text).startsWith(wanted)
  if (method === 'end') return (text) => fold(text).endsWith(wanted)
  if (method === 'sub') return (text) => fold(text).includes(wanted)
  if (method === 'dir') return parts('/', wanted, fold)
  if (method === 'dom') return parts('.', wanted, fold)
  if (method === 'len') return (text) => text.length === Number(value)
  if (method === 'int') return (text) => Number(text) === Number(value)
  if (method === 'reg') {
    const pattern = expression(value, line, isInsensitive ? 'i' : '')
    return (text) => pattern.test(text)
  }
  if (method === 'ip') {
    const network = networkMatcher(value)
    if (network) return (text) => network.contains(text)
    throw new UnreadableLimits(line, `${value.slice(0, 80)} is no address`)
  }
  throw new UnreadableLimits(line, `the comparison -m ${method} is not understood`)
}

/** Whole parts between delimiters. */
function parts(delimiter: string, wanted: string, fold: (text: string) => string): TextTest {
  const inner = wanted.startsWith(delimiter) ? wanted.slice(1) : wanted
  return (text) => `${delimiter}${fold(text)}${delimiter}`.includes(`${delimiter}${inner}${delimiter}`)
}

/** The lines of a file of patterns, without comments. @throws UnreadableLimits when it cannot be read */
export function patternLines(path: string, files: OtherFiles | undefined, line: number): string[] {
  const found = files?.find(path) ?? 'there is no folder to look for it'
  if (typeof found === 'string' || found.length !== 1) {
    throw new UnreadableLimits(
      line,
      `${path.slice(0, 200)} cannot be read: ${typeof found === 'string' ? found : 'it is a pattern'}`,
    )
  }
  return found[0]!.text
    .split('\n')
    .map((text) => text.trim())
    .filter((text) => text !== '' && !text.startsWith('#'))
}

/** A map of a file: the value of the key that matches a text; undefined for none. */
export function fileMap(
  method: string,
  path: string,
  files: OtherFiles | undefined,
  line: number,
): (text: string) => string | undefined {
  const entries = patternLines(path, files, line).map((text) => {
    const [, key = '', value = ''] = /^(\S+)\s*(.*)$/.exec(text) ?? []
    return { key, value, test: method === 'str' ? null : textTest(method, key, false, line) }
  })
  if (method === 'str') {
    const values = new Map(entries.reverse().map(({ key, value }) => [key, value]))
    return (text) => values.get(text)
  }
  // Prefixes and networks are trees: the longest matches.
  if (method === 'beg') entries.sort((a, b) => b.key.length - a.key.length)
  const bits = (key: string) => networkMatcher(key)?.bits ?? 0
  if (method === 'ip') entries.sort((a, b) => bits(b.key) - bits(a.key))
  return (text) => entries.find(({ test }) => test!(text))?.value
}
