/**
 * The arrays of our statements, by their type in PostgreSQL. The driver would ask each new connection for the types of
 * arrays; when the connection ends during that question, an error that nobody can catch ends the process.
 */
const TEXT = [1009, 1015, 2951] // text, varchar, uuid
const NUMBERS = [1005, 1007, 1021, 1022] // int2, int4, float4, float8
const OTHERS = [1000, 1016, 1115, 1185, 1231] // bool, int8, timestamp, timestamptz, numeric

type Value = string | number | boolean | Date | null

/** The option `types` of the driver. */
export const ARRAY_TYPES = {
  texts: { to: TEXT[0]!, from: [...TEXT, ...OTHERS], serialize: writeArray, parse: readArray },
  numbers: {
    to: NUMBERS[0]!,
    from: NUMBERS,
    serialize: writeArray,
    parse: (text: string) => readArray(text).map((value) => (value === null ? null : Number(value))),
  },
}

function writeArray(values: readonly Value[] | string): string {
  if (typeof values === 'string') return values
  return `{${values.map(writeValue).join(',')}}`
}

function writeValue(value: Value): string {
  if (value === null) return 'null'
  const text = value instanceof Date ? value.toISOString() : String(value)
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

const ELEMENT = /"((?:[^"\\]|\\.)*)"|([^{},]+)/gs

/** Arrays of one dimension. */
function readArray(text: string): (string | null)[] {
  return [...text.matchAll(ELEMENT)].map(([, quoted, plain]) =>
    quoted === undefined ? (plain === 'NULL' ? null : plain!) : quoted.replace(/\\(.)/gs, '$1'),
  )
}
