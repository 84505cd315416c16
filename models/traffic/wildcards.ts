/** The literal texts of a part of a pattern, between which there is any text without a slash. */
type Block = readonly string[]

/**
 * A pattern of literal texts and wildcards: `*` stands for any text without a slash, `**` for any text. What stands
 * between two `**` is looked for from left to right: where it ends first, nothing that follows is lost. No text is slow,
 * where a regular expression may take the square or the cube of its length: the time is linear in the text times the
 * number of wildcards.
 *
 * @example new Wildcards('/static/**').matches('/static/js/app.js') // true
 */
export class Wildcards {
  readonly #blocks: readonly Block[]
  readonly #longest: string

  constructor(pattern: string) {
    this.#longest = pattern.split('*').reduce((a, b) => (b.length > a.length ? b : a))
    this.#blocks = pattern.split(/\*{2,}/).map((block) => block.split('*'))
  }

  matches(text: string): boolean {
    const first = this.#blocks[0]!
    const last = this.#blocks.at(-1)!
    if (!text.startsWith(first[0]!) || !text.endsWith(last.at(-1)!) || !text.includes(this.#longest))
      return false
    let from = endFrom(text, first, 0, this.#blocks.length === 1)
    for (const block of this.#blocks.slice(1, -1)) {
      if (from < 0) return false
      from = endOfFirst(text, block, from)
    }
    if (from < 0 || this.#blocks.length === 1) return from === text.length
    return startBefore(text, last) >= from
  }
}

/**
 * Where a block ends that begins at a place: the earliest end, or that of the text.
 * @returns -1 where it does not
 */
function endFrom(text: string, block: Block, start: number, isWhole: boolean): number {
  let end = start + block[0]!.length
  for (let i = 1; i < block.length; i++) {
    const literal = block[i]!
    const isLast = isWhole && i === block.length - 1
    const at = isLast ? text.length - literal.length : text.indexOf(literal, end)
    if (at < end || hasSlash(text, end, at)) return -1
    end = at + literal.length
  }
  return end
}

/** Where the first block from a place on ends; -1 where there is none. */
function endOfFirst(text: string, block: Block, from: number): number {
  // Later beginnings have later places: what was found is looked for again only where it is too early.
  const places = block.map(() => -1)
  const next = (i: number, from: number) =>
    places[i]! >= from ? places[i]! : (places[i] = text.indexOf(block[i]!, from))
  let slash = -1
  for (let start = next(0, from); start >= 0; start = next(0, start + 1)) {
    let end = start + block[0]!.length
    let i = 1
    for (; i < block.length; i++) {
      const at = next(i, end)
      if (at < 0) return -1
      if (slash < end) slash = slashFrom(text, end)
      if (slash < at) break
      end = at + block[i]!.length
    }
    if (i === block.length) return end
  }
  return -1
}

/** Where the last block that ends with the text begins; -1 where there is none. */
function startBefore(text: string, block: Block): number {
  let start = text.length - block.at(-1)!.length
  for (let i = block.length - 2; i >= 0; i--) {
    const literal = block[i]!
    const at = start < literal.length ? -1 : text.lastIndexOf(literal, start - literal.length)
    if (at < 0 || hasSlash(text, at + literal.length, start)) return -1
    start = at
  }
  return start
}

function hasSlash(text: string, from: number, to: number): boolean {
  return slashFrom(text, from) < to
}

function slashFrom(text: string, from: number): number {
  const at = text.indexOf('/', from)
  return at < 0 ? Infinity : at
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
