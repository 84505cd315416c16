/** A body that is not what its content type says. */
export class MalformedBodyError extends Error {}

/** A body with more values than {@link MAX_VALUES}. */
export class TooManyValuesError extends Error {}

/**
 * Values in a body: fields of protobuf messages; objects, lists and commas of JSON. 10,000 spans with 25 attributes
 * have one million. Small values are cheap to send and expensive to hold: this limits the memory that a body takes.
 */
const MAX_VALUES = 2_000_000

/** OTLP itself needs about ten levels. */
const MAX_DEPTH = 100

const QUOTE = 34
const COMMA = 44
const BACKSLASH = 92
const OPEN = new Set([0x5b, 0x7b])
const CLOSE = new Set([0x5d, 0x7d])

/** @returns a function that counts values @throws TooManyValuesError by the function */
export function createValueCounter(): () => void {
  let values = 0
  return () => {
    if (++values > MAX_VALUES) throw new TooManyValuesError()
  }
}

/**
 * Checks JSON before it is parsed. Linear in the body.
 * @throws TooManyValuesError, MalformedBodyError when it is nested too deeply
 */
export function assertJsonBounds(json: Readonly<Uint8Array>): void {
  const count = createValueCounter()
  let depth = 0
  for (let i = 0; i < json.length; i++) {
    const byte = json[i]!
    if (byte === QUOTE) {
      i = closingQuote(json, i + 1)
    } else if (byte === COMMA) {
      count()
    } else if (OPEN.has(byte)) {
      count()
      if (++depth > MAX_DEPTH) throw new MalformedBodyError(`is nested more than ${MAX_DEPTH} levels deep`)
    } else if (CLOSE.has(byte)) {
      depth--
    }
  }
}

function closingQuote(json: Readonly<Uint8Array>, start: number): number {
  let i = start
  while (i < json.length && json[i] !== QUOTE) i += json[i] === BACKSLASH ? 2 : 1
  return i
}
