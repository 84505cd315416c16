const NUMBER = '[+-]?[0-9]+(?:[.,:_-][0-9]+)*'
const UUID = '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}'
const HASH = '(?:0x)?[0-9a-fA-F]{16,}'
/** Longer than a name that people gave. */
const LONG = '[^/]{41,}'
const SHORTEST_TOKEN = 20

/** 20 characters or more with a digit: the first digit is one of the first 20 characters, or a later one. */
const TOKEN = [
  ...Array.from({ length: SHORTEST_TOKEN }, (_, i) => `[^/0-9]{${i}}[0-9][^/]{${SHORTEST_TOKEN - 1 - i},}`),
  `[^/0-9]{${SHORTEST_TOKEN},}[0-9][^/]*`,
].join('|')

const ID = `(?:${[NUMBER, UUID, HASH, LONG, TOKEN].join('|')})`

/**
 * The regular expression source of the path segments that a placeholder of a template stands for, without anchors and
 * lookaround; valid in RE2, PCRE and JavaScript. `{id}` is what pathTemplate folds by its shape; any other name stands
 * for any one segment.
 *
 * @example placeholderPattern('{value}') // '[^/]+'
 */
export function placeholderPattern(placeholder: string): string {
  return placeholder === '{id}' ? ID : '[^/]+'
}
