const SLASH = 47
const QUESTION_MARK = 63
const HASH = 35
const ZERO = 48
const DASH = 45
const UUID_LENGTH = 36

/**
 * Writes a raw path in UTF-8 without its query string, and 0 for segments that are whole numbers or UUIDs. The result
 * has the same template as the path ({@link pathTemplate} drops the one and makes `{id}` of the others), and is the
 * same for most paths of an endpoint: a cheap key to templates that are known. Linear in the path; nothing is made.
 *
 * @param target takes the result; as long as the path at least, from `at` on
 * @returns where the result ends in the target
 */
export function writePathShape(
  source: Readonly<Uint8Array>,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
): number {
  let segment = at
  let digits = 0
  let hexDigits = 0
  for (let i = start; i < end; i++) {
    const byte = source[i]!
    if (byte === QUESTION_MARK || byte === HASH) break
    if (byte === SLASH) {
      at = closeSegment(target, segment, at, digits, hexDigits)
      segment = at + 1
      digits = 0
      hexDigits = 0
    } else if (byte >= ZERO && byte <= 57) {
      digits++
      hexDigits++
    } else if (isHexLetter(byte)) {
      hexDigits++
    }
    target[at++] = byte
  }
  return closeSegment(target, segment, at, digits, hexDigits)
}

function isHexLetter(byte: number): boolean {
  const lower = byte | 32
  return lower >= 97 && lower <= 102
}

function closeSegment(
  target: Uint8Array,
  start: number,
  end: number,
  digits: number,
  hexDigits: number,
): number {
  const length = end - start
  const isNumber = length > 0 && digits === length
  if (!isNumber && (length !== UUID_LENGTH || hexDigits !== 32 || !hasDashes(target, start))) return end
  target[start] = ZERO
  return start + 1
}

/** As a UUID has them; four in all, when 32 of 36 are hexadecimal digits. */
function hasDashes(bytes: Readonly<Uint8Array>, start: number): boolean {
  return [8, 13, 18, 23].every((offset) => bytes[start + offset] === DASH)
}
