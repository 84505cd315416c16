import { networkKey, networkMatcher } from './network-matcher.js'
import { expression, UnreadableLimits, type SeenRequest } from './limits.js'

/** What an expression is evaluated on: a request, and the variables that rules before have set. */
export interface Scope {
  readonly request: SeenRequest
  readonly variables: Map<string, string>
}

/** A sample expression; undefined where there is nothing. */
type Sample = (scope: Scope) => string | undefined

/** A condition, or the rate of a counter that it compares. */
export type Term =
  | { readonly rate: false; readonly test: (scope: Scope) => boolean }
  | { readonly rate: true; readonly counter: number; readonly limit: number }

/** The words of a line, with quotes and escapes. */
export function haproxyWords(line: string): string[] {
  const words: string[] = []
  let word = ''
  let isWord = false
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!
    if (character === '#') break
    if (/\s/.test(character)) {
      if (isWord) words.push(word)
      word = ''
      isWord = false
      continue
    }
    isWord = true
    if (character === '\\') word += line[++i] ?? ''
    else if (character === "'" || character === '"') {
      for (i++; i < line.length && line[i] !== character; i++) {
        if (character === '"' && line[i] === '\\') i++
        word += line[i] ?? ''
      }
    } else word += character
  }
  if (isWord) words.push(word)
  return words
}

const RATE =
  /^(?:sc_http_req_rate\((\d+)(?:,[^)]*)?\)|sc(\d)_http_req_rate(?:\([^)]*\))?|src_http_req_rate(?:\([^)]*\))?)$/

/** A condition between braces, or after the name of an acl. @throws UnreadableLimits */
export function term(words: readonly string[], line: number): Term {
  const [fetch = '', ...rest] = words
  const [, first, second] = RATE.exec(fetch) ?? []
  if (RATE.test(fetch)) {
    const [operator, value = ''] = rest.filter((word) => word !== '-m' && word !== 'int')
    const limit = Number(value)
    if ((operator === 'gt' || operator === 'ge') && Number.isSafeInteger(limit)) {
      return {
        rate: true,
        counter: Number(first ?? second ?? 0),
        limit: operator === 'gt' ? limit : limit - 1,
      }
    }
    throw new UnreadableLimits(line, `${words.join(' ')} is not understood: compare a rate with gt or ge`)
  }
  return { rate: false, test: comparison(fetch, rest, line) }
}

/** Old names that say how they compare. */
const SUFFIXES: Readonly<Record<string, string>> = {
  beg: 'beg',
  end: 'end',
  sub: 'sub',
  reg: 'reg',
  dir: 'dir',
  len: 'len',
}

function comparison(fetch: string, rest: readonly string[], line: number): (scope: Scope) => boolean {
  if (fetch === 'always_true' || fetch === 'TRUE') return () => true
  if (fetch === 'always_false' || fetch === 'FALSE') return () => false
  const [, base, suffix] = /^(path|url|method)_(\w+)$/.exec(fetch) ?? []
  let [method, isInsensitive] = [suffix === undefined ? '' : (SUFFIXES[suffix] ?? ''), false]
  const values: string[] = []
  for (let i = 0; i < rest.length; i++) {
    if (rest[i] === '-i') isInsensitive = true
    else if (rest[i] === '-m') method = rest[++i] ?? ''
    else if (rest[i] === '-f')
      throw new UnreadableLimits(line, 'patterns of a file (-f) are not read: write them into the line')
    else if (rest[i] !== '--') values.push(rest[i]!)
  }
  const sample = haproxySample(base ?? fetch, line)
  if (method === 'found') return (scope) => sample(scope) !== undefined
  if (fetch === 'src') return networkTest(sample, values, line)
  if (method === 'int') return integerTest(sample, values, line)
  const fold = (text: string) => (isInsensitive ? text.toLowerCase() : text)
  const tests = values.map((value) => textTest(method, fold(value), isInsensitive, line))
  return (scope) => {
    const text = sample(scope)
    return text !== undefined && tests.some((test) => test(fold(text)))
  }
}

function textTest(
  method: string,
  value: string,
  isInsensitive: boolean,
  line: number,
): (text: string) => boolean {
  if (method === '' || method === 'str') return (text) => text === value
  if (method === 'beg') return (text) => text.startsWith(value)
  if (method === 'end') return (text) => text.endsWith(value)
  if (method === 'sub') return (text) => text.includes(value)
  if (method === 'dir') return (text) => `${text}/`.includes(`/${value}/`)
  if (method === 'reg') {
    const pattern = expression(value, line, isInsensitive ? 'i' : '')
    return (text) => pattern.test(text)
  }
  throw new UnreadableLimits(line, `the comparison -m ${method} is not understood`)
}

function networkTest(sample: Sample, values: readonly string[], line: number): (scope: Scope) => boolean {
  const networks = values.map((value) => {
    const network = networkMatcher(value)
    if (network) return network
    throw new UnreadableLimits(line, `${value} is no address`)
  })
  return (scope) => networks.some(({ contains }) => contains(sample(scope) ?? ''))
}

function integerTest(
  sample: Sample,
  [operator = '', value = '']: readonly string[],
  line: number,
): (scope: Scope) => boolean {
  const tests: Readonly<Record<string, (number: number) => boolean>> = {
    gt: (number) => number > Number(value),
    ge: (number) => number >= Number(value),
    lt: (number) => number < Number(value),
    le: (number) => number <= Number(value),
    eq: (number) => number === Number(value),
  }
  const test = tests[operator] ?? (value === '' ? (number: number) => number === Number(operator) : undefined)
  if (!test) throw new UnreadableLimits(line, `the comparison ${operator} is not understood`)
  return (scope) => {
    const text = sample(scope)
    return text !== undefined && test(Number(text))
  }
}

/** A fetch with converters. @throws UnreadableLimits naming what a log does not tell */
export function haproxySample(source: string, line: number): Sample {
  const parts = source.match(/(?:\([^)]*\)|[^,(])+/g) ?? []
  const [fetch = '', ...converters] = parts
  return converters.reduce((sample, converter) => converted(sample, converter, line), fetched(fetch, line))
}

function fetched(source: string, line: number): Sample {
  const [, name = '', argument = ''] = /^([\w.-]+)(?:\((.*)\))?$/s.exec(source) ?? []
  const known: Readonly<Record<string, Sample>> = {
    src: ({ request }) => request.address || undefined,
    path: ({ request }) => request.path,
    pathq: ({ request }) => request.target,
    url: ({ request }) => request.target,
    method: ({ request }) => request.method,
    http_auth_user: ({ request }) => request.user || undefined,
    str: () => argument,
    int: () => argument,
    bool: () => argument,
    var: ({ variables }) => variables.get(argument),
    base32: ({ request }) => request.path,
    base: ({ request }) => request.path,
  }
  const found = Object.hasOwn(known, name) ? known[name] : undefined
  if (found) return found
  if (
    /^(?:req\.)?(?:f?hdr(?:_ip)?|hdr)$/.test(name) &&
    /^(?:x-forwarded-for|x-real-ip)(?:,-?\d+)?$/i.test(argument)
  ) {
    return known['src']!
  }
  if (/^(?:req\.)?f?hdr$/.test(name) && /^user-agent$/i.test(argument)) return ({ request }) => request.agent
  throw new UnreadableLimits(line, `an access log does not tell ${source}`)
}

function converted(sample: Sample, source: string, line: number): Sample {
  const [, name = '', list = ''] = /^(\w+)(?:\((.*)\))?$/s.exec(source) ?? []
  const args = list.split(',').map((text) => text.replace(/^"(.*)"$/s, '$1'))
  if (name === 'lower') return (scope) => sample(scope)?.toLowerCase()
  if (name === 'upper') return (scope) => sample(scope)?.toUpperCase()
  if (name === 'ipmask') {
    const [v4, v6] = [Number(args[0]), Number(args[1] ?? 128)]
    return (scope) => {
      const address = sample(scope)
      return address === undefined ? undefined : networkKey(address, v4, v6)
    }
  }
  if (name === 'concat') {
    return (scope) =>
      `${sample(scope) ?? ''}${args[0]}${scope.variables.get(args[1] ?? '') ?? ''}${args[2] ?? ''}`
  }
  if (name === 'field') return (scope) => sample(scope)?.split(args[1] ?? ',')[Number(args[0]) - 1]
  throw new UnreadableLimits(line, `the converter ${source} is not understood`)
}
