const SPECIAL = /[\\\t\n\r\0]/
/** Bytes; a longer path may not fit into the index on it. */
const MAX_PATH_BYTES = 2000

/** Text of COPY; U+0000, which PostgreSQL has not, becomes U+FFFD. */
export function copyText(text: string): string {
  if (!SPECIAL.test(text)) return text
  return text.replaceAll('\0', '\ufffd').replace(/[\\\t\n\r]/g, (character) => `\\${character}`)
}

export function cut(text: string, longest: number): string {
  return text.length <= longest ? text : text.slice(0, longest)
}

const encoder = new TextEncoder()

/** A path, cut where an index could not hold it. */
export function indexable(path: string): string {
  if (path.length * 3 <= MAX_PATH_BYTES) return path // three bytes for a UTF-16 unit are the most
  const { read } = encoder.encodeInto(path, new Uint8Array(MAX_PATH_BYTES))
  return path.slice(0, read)
}
