const MAX_DEPTH = 4
const MAX_ENTRIES = 20
const MAX_VALUES = 100
const MAX_CHARACTERS = 200

/** Names of fields whose values are not kept. */
const SECRET = /secret|password|passwd|token|credential|authorization|cookie|api[-_]?key|private/i

/**
 * A text that can be stored and printed: bounded, without control characters and without halves of characters.
 */
export function summaryOfText(text: string, max = MAX_CHARACTERS): string {
  const short = text.length > max ? `${text.slice(0, max - 1)}…` : text
  const printable = short.replace(/[\u0000-\u001f\u007f]/g, ' ')
  return Buffer.from(printable).toString()
}

/**
 * What is kept of a value of JSON: at most 100 values, 20 of each list or object, four levels, and 200 characters of a
 * text. What is left out is counted. A field that is named as a secret loses its value.
 */
export function summaryOf(value: unknown): unknown {
  let left = MAX_VALUES
  const walk = (each: unknown, depth: number): unknown => {
    left -= 1
    if (typeof each === 'string') return summaryOfText(each)
    if (typeof each !== 'object' || each === null) return each ?? null
    if (Array.isArray(each)) return walkList(each, depth)
    return walkFields(each, depth)
  }
  const walkList = (list: readonly unknown[], depth: number): unknown => {
    if (depth === MAX_DEPTH) return `[${list.length} entries]`
    const kept: unknown[] = []
    while (kept.length < Math.min(list.length, MAX_ENTRIES) && left > 0)
      kept.push(walk(list[kept.length], depth + 1))
    return kept.length < list.length ? [...kept, `… ${list.length - kept.length} more`] : kept
  }
  const walkFields = (fields: object, depth: number): unknown => {
    const names = Object.keys(fields)
    if (depth === MAX_DEPTH) return `{${names.length} fields}`
    const kept: [string, unknown][] = []
    for (const name of names) {
      if (kept.length === MAX_ENTRIES || left <= 0) break
      const field = (fields as Record<string, unknown>)[name]
      kept.push([summaryOfText(name), SECRET.test(name) ? '[removed]' : walk(field, depth + 1)])
    }
    const more = names.length - kept.length
    return Object.fromEntries(more > 0 ? [...kept, ['…', `${more} more`]] : kept)
  }
  return walk(value, 0)
}
