import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments } from 'yaml'
import { UnreadableLimits } from './limits.js'

/** A value of YAML or JSON, with its line. */
export interface YamlNode {
  readonly line: number
  /** Of a scalar. */
  readonly value: unknown
  readonly items: readonly YamlNode[] | null
  readonly fields: ReadonlyMap<string, YamlNode> | null
}

const MAX_DEPTH = 100
const TOO_DEEP = `more than ${MAX_DEPTH} values are in each other`

/** The documents of a text. @throws UnreadableLimits with the line of the first error */
export function yamlDocuments(text: string): YamlNode[] {
  const lines = new LineCounter()
  const documents = parsed(text, lines)
  if (!Array.isArray(documents)) return []
  const [error] = documents.flatMap(({ errors }) => errors)
  if (error)
    throw new UnreadableLimits(
      lines.linePos(error.pos[0]).line,
      /call stack/.test(error.message)
        ? TOO_DEEP
        : error.message.split('\n', 1)[0]!.replace(/ at line.*$/, ''),
    )
  const node = (from: unknown, around: number, depth = 0): YamlNode => {
    const range = (from as { range?: [number, number, number] | null } | null)?.range
    const line = range ? lines.linePos(range[0]).line : around
    if (depth > MAX_DEPTH) throw new UnreadableLimits(line, TOO_DEEP)
    if (isAlias(from)) throw new UnreadableLimits(line, 'aliases are not understood')
    if (isMap(from)) {
      const fields = from.items.map(
        ({ key, value }) => [String(isScalar(key) ? key.value : key), node(value, line, depth + 1)] as const,
      )
      return { line, value: undefined, items: null, fields: new Map(fields) }
    }
    if (isSeq(from))
      return {
        line,
        value: undefined,
        items: from.items.map((item) => node(item, line, depth + 1)),
        fields: null,
      }
    return { line, value: isScalar(from) ? from.value : null, items: null, fields: null }
  }
  return documents.map(({ contents }) => node(contents, 1))
}

export const lineOf = ({ line }: YamlNode) => line

const NONE: ReadonlyMap<string, YamlNode> = new Map()

/** The fields of an object; none of anything else. */
export function fieldsOf(node: YamlNode | undefined): ReadonlyMap<string, YamlNode> {
  return node?.fields ?? NONE
}

/** A node by the names of the fields on the way. */
export function at(node: YamlNode | undefined, ...names: readonly string[]): YamlNode | undefined {
  return names.reduce<YamlNode | undefined>((found, name) => fieldsOf(found).get(name), node)
}

function parsed(text: string, lineCounter: LineCounter) {
  try {
    return parseAllDocuments(text, { lineCounter })
  } catch (error) {
    // The parser goes as deep as the text.
    if (error instanceof RangeError) throw new UnreadableLimits(1, TOO_DEEP)
    throw error
  }
}
