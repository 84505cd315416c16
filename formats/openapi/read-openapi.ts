/** What is read of an OpenAPI document: the rest is skipped. */
export interface OpenApiPaths {
  readonly paths: Readonly<Record<string, unknown>>
  /** Of the first server. */
  readonly servers?: readonly [{ readonly url: string }]
  /** Of Swagger 2. */
  readonly basePath?: string
}

/** UTF-16 units. */
const MAX_TEXT = 20_000_000
/** No document is nested deeper. */
const MAX_DEPTH = 200

/**
 * Reads an OpenAPI document from its text: JSON, or YAML in block style. Of YAML only the lines at the left margin and
 * the names of the paths are read, each line once: what is nested is skipped, and an alias is never followed. So the
 * time is linear in the text, whatever it contains.
 *
 * @returns a document of JSON as it is, to be checked
 * @throws TypeError saying what is wrong, with the line where one is
 */
export function readOpenApi(text: string): unknown {
  if (text.length > MAX_TEXT) throw new TypeError(`openapi must have at most ${MAX_TEXT} characters`)
  if (!/^\uFEFF?\s*[{[]/.test(text)) return readYaml(text)
  assertShallow(text)
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new TypeError(`openapi must be JSON or YAML (${(error as Error).message.slice(0, 100)})`, {
      cause: error,
    })
  }
}

/** V8 takes seconds for millions of nested brackets. */
function assertShallow(text: string): void {
  let depth = 0
  let isQuoted = false
  for (let i = 0; i < text.length; i++) {
    const character = text[i]
    if (isQuoted && character === '\\') i++
    else if (character === '"') isQuoted = !isQuoted
    else if (isQuoted) continue
    else if (character === '[' || character === '{') depth++
    else if (character === ']' || character === '}') depth--
    if (depth > MAX_DEPTH) throw new TypeError(`openapi must be nested at most ${MAX_DEPTH} levels deep`)
  }
}

const DOUBLE_QUOTED = /^"([^"\\]*(?:\\.[^"\\]*)*)"/
const SINGLE_QUOTED = /^'([^']*(?:''[^']*)*)'/
/** Collections, aliases, tags, texts of several lines and complex keys: no plain name. */
const NO_NAME = /^(?:[&*!|>%@`[\]{},]|[-?:](?:\s|$))/
/** An anchor may stand before what is named. */
const NOTHING = /^(?:&\S+)?\s*(?:#.*)?$/

interface Line {
  readonly number: number
  readonly indent: number
  readonly text: string
}

function readYaml(text: string): OpenApiPaths {
  const paths: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  let section = ''
  let pathIndent: number | undefined
  let url: string | undefined
  let basePath: string | undefined
  for (const line of linesOf(text)) {
    if (line.indent === 0 && !/^-(?:\s|$)/.test(line.text)) {
      const [name, value] = entryOf(line)
      section = name
      if (name === 'paths' && !NOTHING.test(value))
        fail(line, 'paths must be in block style, one path on a line')
      if (name === 'basePath') basePath = scalarOf(value)
    } else if (section === 'paths') {
      pathIndent ??= line.indent
      if (line.indent < pathIndent) fail(line, 'is indented less than the paths before it')
      if (line.indent > pathIndent) continue
      const [name] = entryOf(line)
      if (!name.startsWith('x-')) paths[name] = {}
    } else if (section === 'servers') {
      // Its value may stand on the next line.
      if (url === '') url = scalarOf(line.text)
      const found = /^(?:-\s+)?["']?url["']?:(?:\s+(.*))?$/.exec(line.text)
      if (found) url ??= scalarOf(found[1] ?? '')
    }
  }
  if (pathIndent === undefined) throw new TypeError('openapi must be an OpenAPI document with paths')
  return {
    paths,
    ...(url !== undefined && { servers: [{ url }] as const }),
    ...(basePath !== undefined && { basePath }),
  }
}

/** Without empty lines, comments and the marks of a document. */
function* linesOf(text: string): Generator<Line> {
  let number = 0
  for (const whole of text.replace(/^\uFEFF/, '').split(/\r\n|[\r\n]/)) {
    number++
    const trimmed = whole.trimStart()
    const indent = whole.length - trimmed.length
    if (trimmed === '' || trimmed.startsWith('#')) continue
    if (indent === 0 && /^(?:---|\.\.\.|%)/.test(trimmed)) continue
    yield { number, indent, text: trimmed.trimEnd() }
  }
}

/** `name: value`, where the name may be quoted. */
function entryOf(line: Line): [name: string, value: string] {
  const { text } = line
  const quoted = DOUBLE_QUOTED.exec(text) ?? SINGLE_QUOTED.exec(text)
  const end = quoted?.[0].length ?? text.search(/:(?:\s|$)/)
  const rest = text.slice(end)
  if (end < 0 || NO_NAME.test(text) || !/^\s{0,100}:(?:\s|$)/.test(rest))
    return fail(line, 'is no name with a value')
  return [scalarOf(text.slice(0, end)), rest.slice(rest.indexOf(':') + 1).trim()]
}

/** A text on one line, quoted or plain. */
function scalarOf(source: string): string {
  const double = DOUBLE_QUOTED.exec(source)
  if (double) return double[1]!.replace(/\\(["\\/])/g, '$1')
  const single = SINGLE_QUOTED.exec(source)
  if (single) return single[1]!.replaceAll("''", "'")
  return source.split(/\s#/, 1)[0]!.trim()
}

function fail({ number }: Line, problem: string): never {
  throw new TypeError(`openapi must be JSON or YAML: line ${number} ${problem}`)
}
