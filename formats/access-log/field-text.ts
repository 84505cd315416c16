const ESCAPE = /\\(?:x([\da-fA-F]{2})|(.))/gs
const NAMED: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  b: '\b',
  f: '\f',
  a: '\x07',
}
const SPECIAL = /[\\\x80-\xff]/

/**
 * The text of a field: `\x22`, `\"` and the like, as NGINX and Apache escape, are undone, and then the bytes read as
 * UTF-8; those that are none become U+FFFD.
 *
 * @param raw one character for each byte
 */
export function fieldText(raw: string): string {
  return SPECIAL.test(raw) ? utf8(raw.includes('\\') ? unescaped(raw) : raw) : raw
}

function unescaped(raw: string): string {
  return raw.replace(ESCAPE, (_, code: string | undefined, character: string) =>
    code === undefined ? (NAMED[character] ?? character) : byteOf(code),
  )
}

/** How the text of a field is found in its bytes, one character each. */
export type ToText = (raw: string) => string

/** The same for servers that write no backslashes. */
export const plainText: ToText = (raw) => (SPECIAL.test(raw) ? utf8(raw) : raw)

/** The same for HAProxy, which writes `#22` for a quote. */
export const haproxyText: ToText = (raw) => {
  const bytes = raw.includes('#') ? raw.replace(/#([\dA-F]{2})/g, (_, code: string) => byteOf(code)) : raw
  return plainText(bytes)
}

const byteOf = (code: string) => String.fromCharCode(Number.parseInt(code, 16))

const decoder = new TextDecoder()

/** The text of bytes, one character each. */
export function utf8(raw: string): string {
  const bytes = new Uint8Array(raw.length)
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i)
  return decoder.decode(bytes)
}
