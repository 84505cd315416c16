/** Any text within a segment; any text. */
const SEGMENT = 0
const ANY = 1
const SLASH = '/'.charCodeAt(0)

/** The code of a character, or a wildcard. */
type Token = { readonly code: number } | typeof SEGMENT | typeof ANY

/**
 * A pattern of literal texts and wildcards: `*` stands for any text without a slash, `**` for any text. It is matched as
 * an automaton with all its states at once (Thompson 1968), so that no text is slow: the time is linear in the text
 * times the number of wildcards, where a regular expression may take the square or the cube of it.
 *
 * @example new Wildcards('/static/**').matches('/static/js/app.js') // true
 */
export class Wildcards {
  readonly #tokens: readonly Token[]

  constructor(pattern: string) {
    this.#tokens = pattern.split(/(\*+)/).flatMap((part): Token[] => {
      if (part.startsWith('*')) return [part === '*' ? SEGMENT : ANY]
      return Array.from({ length: part.length }, (_, i) => ({ code: part.charCodeAt(i) }))
    })
  }

  matches(text: string): boolean {
    let active = this.#withSkips([0])
    for (let i = 0; i < text.length && active.length > 0; i++) {
      const code = text.charCodeAt(i)
      const next: number[] = []
      for (const at of active) {
        const token = this.#tokens[at]
        if (token === ANY || (token === SEGMENT && code !== SLASH)) next.push(at)
        else if (typeof token === 'object' && token.code === code) next.push(at + 1)
      }
      active = this.#withSkips(next)
    }
    return active.at(-1) === this.#tokens.length
  }

  /** A wildcard may stand for nothing. Ascending, each state once. */
  #withSkips(states: readonly number[]): number[] {
    const all: number[] = []
    for (const state of states) {
      for (let at = state; !all.includes(at); at++) {
        all.push(at)
        if (typeof this.#tokens[at] !== 'number') break
      }
    }
    return all.sort((a, b) => a - b)
  }
}

/** Whether a text has all parts in their order, with at least one character between two of them. Linear in the text. */
export function hasInOrder(text: string, parts: readonly string[]): boolean {
  const [first, last] = [parts[0]!, parts.at(-1)!]
  if (parts.length === 1) return text === first
  let from = first.length
  if (!text.startsWith(first)) return false
  for (const part of parts.slice(1, -1)) {
    const found = text.indexOf(part, from + 1)
    if (found < 0) return false
    from = found + part.length
  }
  return text.length > from + last.length && text.endsWith(last)
}
