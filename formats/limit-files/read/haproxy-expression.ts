import { networkKey } from './network-matcher.js'
import { fileMap, patternLines, textTest, type TextTest } from './haproxy-patterns.js'
import { UnreadableLimits, type OtherFiles, type SeenRequest } from './limits.js'

/** A stick table, and the key of a request in it. */
export interface TableKey {
  readonly table: string
  readonly key: string
}

/** What an expression is evaluated on: a request, and what the rules before have set. */
export interface Scope {
  readonly request: SeenRequest
  readonly variables: Map<string, string>
  /** Variables that hold a rate. */
  readonly rates: Map<string, TableKey>
  /** By the number of the counter. */
  readonly tracked: Map<number, TableKey>
}

/** What expressions refer to. */
export interface ExpressionContext {
  readonly files: OtherFiles | undefined
  /** Of the section: the table of a counter that names none. */
  readonly section: string
  /** Variables that hold what no log tells, with the reason. */
  readonly untold: Map<string, string>
  /** Variables that hold a rate. */
  readonly rateVariables: Set<string>
}

/** A sample expression; undefined where there is nothing. */
export type Sample = (scope: Scope) => string | undefined
export type RateSource = (scope: Scope) => TableKey | undefined

/** A condition; the rate of a counter that it compares; or what counts connections, which no log tells. */
export type Term =
  | { readonly kind: 'test'; readonly test: (scope: Scope) => boolean }
  | {
      readonly kind: 'rate'
      readonly rate: RateSource
      readonly limit: (scope: Scope) => number
      readonly isOver: boolean
    }
  | { readonly kind: 'connections' }

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

const CONNECTIONS =
  /^(?:sc\d?_|src_)(?:conn_(?:rate|cur|cnt)|sess_(?:rate|cnt)|bytes_(?:in|out)_rate|kbytes_(?:in|out))\b/
const COUNTER = /^sc(?:_http_req_rate\((\d+)(?:,([^)]*))?\)|(\d)_http_req_rate(?:\(([^)]*)\))?)$/

/** A fetch that is the rate of a table; null for any other. */
export function rateSource(source: string, context: ExpressionContext, line: number): RateSource | null {
  const counter = COUNTER.exec(source)
  if (counter) {
    const [number, table] = [Number(counter[1] ?? counter[3]), (counter[2] ?? counter[4] ?? '').trim()]
    return ({ tracked }) => {
      const found = tracked.get(number)
      return found && table !== '' ? { ...found, table } : found
    }
  }
  const [, ofSource] = /^src_http_req_rate(?:\(([^)]*)\))?$/.exec(source) ?? []
  const [, key = '', ofKey = ''] = /^(.+),table_http_req_rate(?:\(([^)]*)\))?$/s.exec(source) ?? []
  if (!source.startsWith('src_http_req_rate') && key === '') return null
  const sample = haproxySample(key === '' ? 'src' : key, context, line)
  const table = (key === '' ? (ofSource ?? '') : ofKey) || context.section
  return (scope) => {
    const text = sample(scope)
    return text === undefined ? undefined : { table, key: text }
  }
}

/** A condition between braces, or after the name of an acl. @throws UnreadableLimits */
export function term(words: readonly string[], context: ExpressionContext, line: number): Term {
  const [fetch = '', ...rest] = words
  if (CONNECTIONS.test(fetch)) return { kind: 'connections' }
  const dynamic = dynamicRate(fetch, rest, context, line)
  if (dynamic) return dynamic
  const [, variable] = /^var\(([^)]+)\)$/.exec(fetch) ?? []
  const rate =
    variable !== undefined && context.rateVariables.has(variable)
      ? (scope: Scope) => scope.rates.get(variable)
      : rateSource(fetch, context, line)
  if (rate === null) return { kind: 'test', test: comparison(fetch, rest, context, line) }
  const [operator = '', value = ''] = rest.filter((word) => word !== '-m' && word !== 'int')
  const limit = Number(value)
  const compared: Readonly<Record<string, readonly [number, boolean]>> = {
    ...{ gt: [limit, true], ge: [limit - 1, true], lt: [limit - 1, false], le: [limit, false] },
  }
  const [bound, isOver] = compared[operator] ?? []
  if (bound === undefined || isOver === undefined || !Number.isSafeInteger(limit)) {
    throw new UnreadableLimits(
      line,
      `${words.join(' ').slice(0, 80)} is not understood: compare a rate with gt or ge`,
    )
  }
  return { kind: 'rate', rate, limit: () => bound, isOver }
}

/** `var(limit),sub(rate) lt 0`, and `rate,sub(limit) gt 0`: a limit from a map or a variable. */
function dynamicRate(
  fetch: string,
  [operator = '', zero = '']: readonly string[],
  context: ExpressionContext,
  line: number,
): Term | null {
  const [, left = '', right = ''] = /^(.+),sub\(([^)]+)\)$/s.exec(fetch) ?? []
  if (left === '') return null
  const isRate = context.rateVariables.has(right)
  const [, variable = ''] = /^var\(([^)]+)\)$/.exec(left) ?? []
  const ofLeft = context.rateVariables.has(variable)
    ? (scope: Scope) => scope.rates.get(variable)
    : isRate
      ? null
      : rateSource(left, context, line)
  const wanted = isRate ? ['lt', 'le'] : ['gt', 'ge']
  if (!isRate && ofLeft === null) return null
  if (zero !== '0' || !wanted.includes(operator))
    throw new UnreadableLimits(line, `${fetch.slice(0, 80)} is not understood: compare it with 0`)
  const less = operator.endsWith('e') ? 1 : 0
  if (isRate) {
    const limit = haproxySample(left, context, line)
    return {
      ...{ kind: 'rate', rate: (scope) => scope.rates.get(right), isOver: true },
      limit: (scope) => Number(limit(scope) ?? NaN) - less,
    }
  }
  const limit = haproxySample(`var(${right})`, context, line)
  return { kind: 'rate', rate: ofLeft!, limit: (scope) => Number(limit(scope) ?? NaN) - less, isOver: true }
}

function comparison(
  fetch: string,
  rest: readonly string[],
  context: ExpressionContext,
  line: number,
): (scope: Scope) => boolean {
  if (fetch === 'always_true' || fetch === 'TRUE') return () => true
  if (fetch === 'always_false' || fetch === 'FALSE') return () => false
  const [, base, suffix = ''] =
    /^(path|url|method|(?:req\.)?f?hdr)_(beg|end|sub|reg|dir|dom|len)\b/.exec(fetch) ?? []
  let [method, isInsensitive] = [suffix, false]
  const values: string[] = []
  for (let i = 0; i < rest.length; i++) {
    if (rest[i] === '-i') isInsensitive = true
    else if (rest[i] === '-m') method = rest[++i] ?? ''
    else if (rest[i] === '-f') values.push(...patternLines(rest[++i] ?? '', context.files, line))
    else if (rest[i] === '-u') i++
    else if (rest[i] === '--') {
      values.push(...rest.slice(i + 1))
      break
    } else if (rest[i] !== '-n') values.push(rest[i]!)
  }
  const sample = haproxySample(base === undefined ? fetch : fetch.replace(`_${suffix}`, ''), context, line)
  if (method === 'found') return (scope) => sample(scope) !== undefined
  if (method === '' && (fetch === 'src' || /,ipmask\([^)]*\)$/.test(fetch))) method = 'ip'
  if (method === 'int' || /^(?:gt|ge|lt|le|eq)$/.test(values[0] ?? ''))
    return integerTest(sample, values, line)
  return anyOf(sample, method, values, isInsensitive, line)
}

function anyOf(
  sample: Sample,
  method: string,
  values: readonly string[],
  isInsensitive: boolean,
  line: number,
): (scope: Scope) => boolean {
  // Without a value, a fetch is true or false by itself.
  if (values.length === 0 && method === '')
    return (scope) => !['', '0', 'false', undefined].includes(sample(scope))
  const isExact = (method === '' || method === 'str') && !isInsensitive
  const exact = isExact ? new Set(values) : null
  const tests: TextTest[] = exact ? [] : values.map((value) => textTest(method, value, isInsensitive, line))
  return (scope) => {
    const text = sample(scope)
    if (text === undefined) return false
    return exact ? exact.has(text) : tests.some((test) => test(text))
  }
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
export function haproxySample(source: string, context: ExpressionContext, line: number): Sample {
  const parts = source.match(/(?:\([^)]*\)|[^,(])+/g) ?? []
  const [fetch = '', ...converters] = parts
  return converters.reduce(
    (sample, converter) => converted(sample, converter, context, line),
    fetched(fetch, context, line),
  )
}

const KNOWN: Readonly<Record<string, Sample>> = {
  src: ({ request }) => request.address || undefined,
  path: ({ request }) => request.path,
  method: ({ request }) => request.method,
  http_auth_user: ({ request }) => request.user || undefined,
  base: ({ request }) => request.path,
  base32: ({ request }) => request.path,
  'base32+src': ({ request }) => `${request.path} ${request.address}`,
  ssl_fc: () => '1',
}

function fetched(source: string, { untold }: ExpressionContext, line: number): Sample {
  const [, name = '', argument = ''] = /^([\w.+-]+)(?:\((.*)\))?$/s.exec(source) ?? []
  if (Object.hasOwn(KNOWN, name)) return KNOWN[name]!
  if (name === 'str' || name === 'int' || name === 'bool') return () => argument
  if (name === 'var') {
    const reason = untold.get(argument)
    if (reason !== undefined) throw new UnreadableLimits(line, reason)
    return ({ variables }) => variables.get(argument)
  }
  if (
    /^(?:req\.)?f?hdr(?:_ip)?$/.test(name) &&
    /^(?:x-forwarded-for|x-real-ip|forwarded)(?:,-?\d+)?$/i.test(argument)
  ) {
    return KNOWN['src']!
  }
  if (/^(?:req\.)?f?hdr$/.test(name) && /^user-agent$/i.test(argument)) return ({ request }) => request.agent
  const why = /^(?:url|pathq|query|urlp|url_param)/.test(name) ? ': query strings of logs are not read' : ''
  throw new UnreadableLimits(line, `an access log does not tell ${source.slice(0, 80)}${why}`)
}

const MAP = /^map(?:_(str|beg|end|sub|dir|dom|reg|int|ip))?(?:_(?:str|int|ip))?$/

function converted(sample: Sample, source: string, context: ExpressionContext, line: number): Sample {
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
  if (name === 'field' || name === 'word') {
    const number = Number(args[0])
    return (scope) => {
      const all = sample(scope)?.split(args[1] === '' || args[1] === undefined ? ',' : args[1])
      const parts = name === 'word' ? all?.filter((part) => part !== '') : all
      return number < 0 ? parts?.at(number) : parts?.[number - 1]
    }
  }
  const map = MAP.exec(name)
  if (map) {
    const value = fileMap(map[1] ?? 'str', args[0] ?? '', context.files, line)
    const otherwise = args.length > 1 ? args[1] : undefined
    return (scope) => {
      const text = sample(scope)
      return text === undefined ? undefined : (value(text) ?? otherwise)
    }
  }
  throw new UnreadableLimits(line, `the converter ${source.slice(0, 80)} is not understood`)
}
