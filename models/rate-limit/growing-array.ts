/** Where an array that grows begins: thousands of endpoints have some, and most stay small. */
export const FIRST_LENGTH = 16

/** An array as long as `length` at least: the same one, or a copy of twice the length, its end zero. */
export function grown<T extends Float64Array | Uint32Array>(array: T, length: number): T {
  if (length <= array.length) return array
  const copy = new (array.constructor as new (length: number) => T)(Math.max(length, 2 * array.length))
  copy.set(array)
  return copy
}
