const chunkBytes = 0x6000

/** The bytes of 32-bit numbers, least significant first, as base64, on every machine. */
export function encodeArray(values: Int32Array | Float32Array): string {
  const bytes = new Uint8Array(values.length * 4)
  const view = new DataView(bytes.buffer)
  if (values instanceof Int32Array) values.forEach((value, i) => view.setInt32(i * 4, value, true))
  else values.forEach((value, i) => view.setFloat32(i * 4, value, true))
  let binary = ''
  for (let start = 0; start < bytes.length; start += chunkBytes) {
    binary += String.fromCharCode(...bytes.subarray(start, start + chunkBytes))
  }
  return btoa(binary)
}

/** @throws TypeError if it is no base64 of whole 32-bit numbers */
export function decodeInt32(text: unknown): Int32Array {
  const view = decode(text)
  return Int32Array.from({ length: view.byteLength / 4 }, (_, i) => view.getInt32(i * 4, true))
}

/** @throws TypeError if it is no base64 of whole 32-bit numbers */
export function decodeFloat32(text: unknown): Float32Array {
  const view = decode(text)
  return Float32Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(i * 4, true))
}

function decode(text: unknown): DataView {
  if (typeof text !== 'string') throw new TypeError('not a string')
  const binary = base64ToBinary(text)
  if (binary.length % 4 !== 0) throw new TypeError(`${binary.length} bytes are no whole 32-bit numbers`)
  return new DataView(Uint8Array.from(binary, (character) => character.charCodeAt(0)).buffer)
}

function base64ToBinary(text: string): string {
  try {
    return atob(text)
  } catch (cause) {
    throw new TypeError('not base64', { cause })
  }
}
