import { ID, idPatterns, placeholderPattern } from '../../models/traffic/placeholders.js'

/** A placeholder of a template, such as `{id}` or `{user name}`: whatever the rules of paths take for one. */
const PLACEHOLDER = /(\{[^/?#{}]+\})/
const PLAIN = /[A-Za-z0-9/_-]/
const UNRESERVED = /[A-Za-z0-9\-._~]/
const LONE_SURROGATE = /\p{Surrogate}/gu

/**
 * How the characters of a path are written in a regular expression. `bytes`: \xHH for each byte of UTF-8 (PCRE);
 * `code-points`: \x{H} (RE2, Rust, PCRE in UTF mode); `units`: \uHHHH (JavaScript).
 */
export type Dialect = 'bytes' | 'code-points' | 'units'

/**
 * How a gateway changes a path before it matches. `raw`: not at all; `decoded`: percent-encoding is decoded;
 * `normalized`: only unreserved characters are decoded (RFC 3986, section 6.2.2).
 */
export type PathForm = 'raw' | 'decoded' | 'normalized'

/**
 * The paths of a template as a regular expression without anchors. It matches what the placeholders of the template
 * stand for and nothing else. Any character that is not plain is written as a number: nothing that a path may hold
 * can end the expression, or what it is quoted in.
 */
export function pathPattern(path: string, dialect: Dialect, form: PathForm): string {
  return path
    .split(PLACEHOLDER)
    .map((part, i) =>
      i % 2 === 1
        ? placeholderPattern(part, dialect === 'bytes')
        : literalPattern(inForm(part, form), dialect),
    )
    .join('')
}

/**
 * The same as several expressions without lookahead, each of at most `maxLength` characters.
 * @returns null when there is no way: for more than one `{id}`, or a long path
 */
export function pathPatterns(
  path: string,
  dialect: Dialect,
  form: PathForm,
  maxLength: number,
): string[] | null {
  const parts = path.split(PLACEHOLDER)
  const [before, after] = [parts.indexOf(ID), parts.lastIndexOf(ID)]
  const part = (text: string, i: number) =>
    i % 2 === 1 ? placeholderPattern(text) : literalPattern(inForm(text, form), dialect)
  const whole = before < 0 ? [parts.map(part).join('')] : []
  if (before >= 0 && before === after) {
    const [head, tail] = [
      parts.slice(0, before).map(part).join(''),
      parts
        .slice(after + 1)
        .map((text, i) => part(text, i + after + 1))
        .join(''),
    ]
    whole.push(...idPatterns(maxLength - head.length - tail.length).map((id) => head + id + tail))
  }
  return whole.length > 0 && whole.every((pattern) => pattern.length <= maxLength) ? whole : null
}

/** A text as a regular expression that matches it alone. */
export function literalPattern(text: string, dialect: Dialect): string {
  if (dialect === 'bytes') return Array.from(new TextEncoder().encode(text), escapedByte).join('')
  if (dialect === 'code-points')
    return Array.from(text.replace(LONE_SURROGATE, '\ufffd'), escapedPoint).join('')
  return text.split('').map(escapedUnit).join('')
}

/** Whether a path has placeholders. */
export function isTemplate(path: string): boolean {
  return PLACEHOLDER.test(path)
}

/** Placeholders for any segment, placeholders in all, and characters beside them. */
export function specificity(path: string): { any: number; placeholders: number; characters: number } {
  const parts = path.split(PLACEHOLDER)
  const found = parts.filter((_, i) => i % 2 === 1)
  const characters = parts.reduce((sum, part, i) => sum + (i % 2 === 1 ? 0 : part.length), 0)
  return { any: found.filter((name) => name !== '{id}').length, placeholders: found.length, characters }
}

function inForm(path: string, form: PathForm): string {
  if (form === 'decoded') return decoded(path)
  return form === 'normalized' ? normalized(path) : path
}

/** A path as gateways that decode it see it; as it is where it cannot be decoded. */
export function decoded(path: string): string {
  try {
    return decodeURIComponent(path)
  } catch {
    return path
  }
}

function normalized(path: string): string {
  return path.replace(/%([\dA-Fa-f]{2})/g, (code, hex: string) => {
    const character = String.fromCharCode(Number.parseInt(hex, 16))
    return UNRESERVED.test(character) ? character : code.toUpperCase()
  })
}

function escapedByte(byte: number): string {
  const character = String.fromCharCode(byte)
  return PLAIN.test(character) ? character : `\\x${byte.toString(16).padStart(2, '0')}`
}

function escapedPoint(character: string): string {
  return PLAIN.test(character) ? character : `\\x{${character.codePointAt(0)!.toString(16)}}`
}

function escapedUnit(unit: string): string {
  if (unit === '/') return '\\/'
  return PLAIN.test(unit) ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
