/** Stands for what {@link pathTemplate} folds by its shape. */
export const ID = '{id}'
/** Stands for any value of a position that has many of them. */
export const VALUE = '{value}'
/** Stands for the hash of a build in the name of a file, as bundlers write it: `index-BX2k9aQz.js`. */
export const HASH = '{hash}'

const HEX = '[0-9a-fA-F]'
const HEX_LETTER = '[a-fA-F]'
const WORD = '[A-Za-z_-]'
const TOKEN = '[0-9A-Za-z_-]'

/** From here on letters mixed with digits are a token. */
const MIN_TOKEN = 20
/** The first digit of a token comes within this many characters: names have theirs at the end. */
const TOKEN_HEAD = 12
/** As short as Git writes a hash. */
const MIN_HASH = 7

/** Both letters and digits, `min` characters or more, without lookaround: by the length of what comes first. */
function mixed(first: string, second: string, rest: string, min: number): string[] {
  const heads = Array.from(
    { length: min - 2 },
    (_, i) => `${first}{${i + 1}}${second}${rest}{${min - 2 - i},}`,
  )
  return [...heads, `${first}{${min - 1},}${second}${rest}*`]
}

/** How the two kinds of shape that need a count and a condition are written. */
interface Dialect {
  readonly hashes: readonly string[]
  readonly tokens: readonly string[]
}

const PLAIN: Dialect = {
  hashes: [...mixed(HEX_LETTER, '[0-9]', HEX, MIN_HASH), ...mixed('[0-9]', HEX_LETTER, HEX, MIN_HASH)],
  tokens: Array.from({ length: TOKEN_HEAD }, (_, i) => `${WORD}{${i}}[0-9]${TOKEN}{${MIN_TOKEN - 1 - i},}`),
}
/** The same, for engines that can look ahead: half as long. */
const LOOKING_AHEAD: Dialect = {
  hashes: [`(?=[0-9]*${HEX_LETTER})(?=${HEX_LETTER}*[0-9])${HEX}{${MIN_HASH},}`],
  tokens: [`(?=${WORD}{0,${TOKEN_HEAD - 1}}[0-9])${TOKEN}{${MIN_TOKEN},}`],
}

/** The shapes of `{id}`, each as the source of a regular expression. */
const shapes = ({ hashes, tokens }: Dialect): string[] => [
  // 42, -3.5, 2026-01-31, 300x200, 50.1,-8.6: digits, also in groups.
  '[+-]?[0-9]+(?:(?:[.,:_x-]{1,2}|%2[Cc])[0-9]+)*',
  // A time, 2026-01-31T10:15:00Z, its colons encoded or not; a week and a quarter.
  '[0-9]{4}(?:-[0-9]{2}){2}[Tt_](?:[0-9:.+-]|%3[Aa]|%2[Bb])+[Zz]?',
  '[0-9]{4}-?[QW][0-9]{1,2}',
  `${HEX}{8}(?:-${HEX}{4}){3}-${HEX}{12}`,
  // Hashes: 16 hexadecimal digits or more; 7 or more with both letters and digits. `facade` and `deadbeef` are words.
  `0x${HEX}+`,
  `${HEX}{16,}`,
  ...hashes,
  // Addresses: 00:1a:2b:3c:4d:5e, 2001:db8::1.
  `${HEX}{0,4}(?::${HEX}{0,4}){2,7}`,
  // ORD-12345, INV-2026-00012, SKU-AB-1234, order-12345, red-shoes-12345, 12345-red-shoes, u12345.
  '[A-Z]{2,10}(?:[_-][0-9A-Z]+)*[_-][0-9]{3,}',
  '(?:[0-9A-Za-z]+[_-])*[A-Za-z]{0,4}[0-9]{5,}',
  '[0-9]{5,}[_-][0-9A-Za-z_-]+',
  // Digits after letters in three places: B07XJ8C8F5.
  '(?:[0-9]*[A-Za-z]+[0-9]){3}[0-9A-Za-z]*',
  // ULID, nanoid, base64url: an early digit, or digits in two places after a longer head; base64 by its padding.
  ...tokens,
  `${WORD}{${TOKEN_HEAD},}[0-9]+${WORD}+[0-9]${TOKEN}*`,
  '[0-9A-Za-z_+-]{6,}(?:=|%3[Dd]){1,2}',
  // A JSON web token; the id of a person at a provider, auth0|5f7c8d9b4a1b2c3d4e5f6071.
  'eyJ[0-9A-Za-z_-]+(?:[.][0-9A-Za-z_-]+){2}',
  '[0-9A-Za-z-]+(?:[|]|%7[Cc])[0-9A-Za-z]{10,}',
  // One word longer than those of people, and what nobody types.
  '[0-9A-Za-z]{41,}',
  '[^/.?#]{81,}',
  // alice@example.com
  '[^/@?#]+(?:@|%40)[A-Za-z][0-9A-Za-z.-]*[.][A-Za-z]{2,24}',
]

/** Eight characters of base64url, with a digit beside a capital or before a letter; `1024x768` is a size. */
const BUILD_HASH = `(?:${Array.from(
  { length: 7 },
  (_, i) => `${TOKEN}{${i}}(?:[A-Z][0-9]|[0-9][A-Za-wyz])${TOKEN}{${6 - i}}`,
).join('|')})`

const PATTERN = `(?:${shapes(PLAIN).join('|')})`
const SHORT_PATTERN = `(?:${shapes(LOOKING_AHEAD).join('|')})`

/**
 * What a placeholder of a template stands for, as the source of a regular expression: no anchors, no lookaround, no
 * capturing group; it means the same in RE2, PCRE and JavaScript. `{id}` stands for exactly the segments that
 * {@link pathTemplate} folds by their shape, and `{hash}` for exactly its hashes; any other placeholder for any one
 * segment.
 *
 * @param canLookAhead whether the engine knows lookahead, as PCRE and JavaScript do: the expression is then shorter
 */
export function placeholderPattern(placeholder: string, canLookAhead = false): string {
  if (placeholder === HASH) return BUILD_HASH
  if (placeholder !== ID) return '[^/]+'
  return canLookAhead ? SHORT_PATTERN : PATTERN
}

/**
 * The shapes of `{id}` as several expressions of the same kind, together the same: for gateways that limit the length of
 * one. A shape longer than `maxLength` stands alone.
 */
export function idPatterns(maxLength: number): string[] {
  const groups: string[][] = []
  let length = Infinity
  for (const shape of shapes(PLAIN)) {
    length += shape.length + 1
    if (length > maxLength - '(?:)'.length) {
      groups.push([])
      length = shape.length
    }
    groups.at(-1)!.push(shape)
  }
  return groups.map((group) => `(?:${group.join('|')})`)
}

/** The same shapes, each in time linear in the text. */
const IS_ID = new RegExp(`^${PATTERN}$`)
/** No shape does without one of these. */
const MAY_BE_ID = /[0-9@:|=]|[^.]{41}|^[0-9a-fA-F]{8}-|^[0-9a-fA-F]{16}|^eyJ/

/** Whether a text has one of the shapes that `{id}` stands for. Linear in its length; false where it is empty. */
export function isId(text: string): boolean {
  return MAY_BE_ID.test(text) && IS_ID.test(text)
}

const IS_BUILD_HASH = new RegExp(`^${BUILD_HASH}$`)

/** Whether a text is what `{hash}` stands for. */
export function isBuildHash(text: string): boolean {
  return IS_BUILD_HASH.test(text)
}
