import { UnreadableLimits, type Place } from './limits.js'

/** A directive of NGINX, with the directives of its block. */
export interface Directive {
  readonly line: Place
  readonly name: string
  readonly args: readonly string[]
  readonly block: readonly Directive[] | null
}

interface Token {
  readonly line: Place
  readonly text: string
  readonly isQuoted: boolean
}

/**
 * The directives of a configuration.
 * @param placeOf the place of a line, from 1
 * @throws UnreadableLimits where a brace or a semicolon is missing
 */
export function nginxDirectives(
  text: string,
  placeOf: (line: number) => Place = (line) => line,
): Directive[] {
  const tokens = tokensOf(text, placeOf)
  let at = 0
  const block = (opened: Place | null): Directive[] => {
    const found: Directive[] = []
    let words: Token[] = []
    for (; at < tokens.length;) {
      const token = tokens[at++]!
      const mark = token.isQuoted ? '' : token.text
      if (mark === ';') {
        if (words.length > 0) found.push(directive(words, null))
        words = []
      } else if (mark === '{') {
        if (words.length === 0) throw new UnreadableLimits(token.line, 'a block without a name')
        found.push(directive(words, block(token.line)))
        words = []
      } else if (mark === '}') {
        if (opened === null) throw new UnreadableLimits(token.line, 'a } without a {')
        if (words.length > 0)
          throw new UnreadableLimits(words[0]!.line, `${words[0]!.text} has no ; at its end`)
        return found
      } else words.push(token)
    }
    if (words.length > 0) throw new UnreadableLimits(words[0]!.line, `${words[0]!.text} has no ; at its end`)
    if (opened !== null) throw new UnreadableLimits(opened, 'the { has no }')
    return found
  }
  return block(null)
}

function directive(words: readonly Token[], block: Directive[] | null): Directive {
  return { line: words[0]!.line, name: words[0]!.text, args: words.slice(1).map(({ text }) => text), block }
}

function tokensOf(text: string, placeOf: (line: number) => Place): Token[] {
  const pattern =
    /(\n)|([ \t\r]+)|(#[^\n]*)|"((?:[^"\\]|\\[^])*)"|'((?:[^'\\]|\\[^])*)'|([;{}])|((?:\$\{|[^\s;{}\\]|\\[^])(?:\$\{|[^\s;{\\]|\\[^])*)|([^])/g
  const tokens: Token[] = []
  let line = 1
  for (const [all, , , , double, single, mark, word, other] of text.matchAll(pattern)) {
    const quoted = double ?? single
    if (quoted !== undefined) tokens.push({ line: placeOf(line), text: unescaped(quoted), isQuoted: true })
    else if (mark !== undefined || word !== undefined)
      tokens.push({ line: placeOf(line), text: unescaped(all), isQuoted: false })
    else if (other !== undefined)
      throw new UnreadableLimits(placeOf(line), `${JSON.stringify(other)} is not understood`)
    line += all.split('\n').length - 1
  }
  return tokens
}

/** Other escapes stay as they are: they are those of patterns. */
function unescaped(text: string): string {
  const control: Readonly<Record<string, string>> = { t: '\t', r: '\r', n: '\n' }
  return text.replace(/\\(["'\\trn])/g, (_, character: string) => control[character] ?? character)
}
