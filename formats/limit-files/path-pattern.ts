const PLACEHOLDER = '{id}'
const PLAIN = /[A-Za-z0-9/_-]/

/**
 * The paths of a template as a regular expression (PCRE), from the first to the last character. Any byte that is not
 * plain is written as \xHH: nothing that a path may hold can end the expression, or what it is quoted in.
 *
 * @param anchored with ^ and $
 */
export function pathPattern(path: string, anchored = true): string {
  const pattern = decoded(path)
    .split(PLACEHOLDER)
    .map((text) => Array.from(new TextEncoder().encode(text), escaped).join(''))
    .join('[^/]+')
  return anchored ? `^${pattern}$` : pattern
}

/** Placeholders of a template and one: a path of its own has 1, and goes before a template that matches it too. */
export function placeholders(path: string): number {
  return path.split(PLACEHOLDER).length
}

/** Gateways match paths that are decoded. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function escaped(byte: number): string {
  const character = String.fromCharCode(byte)
  return PLAIN.test(character) ? character : `\\x${byte.toString(16).padStart(2, '0')}`
}
