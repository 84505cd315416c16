/** The largest finite float32. */
export const largestFloat32 = 3.4028234663852886e38

/**
 * Rounds samples to the float32 that thresholds were drawn for, so that fitting and every engine compare the
 * same numbers. To the nearest, ties to even; what lies beyond the range of float32, infinities as well,
 * becomes its largest value.
 *
 * @param values samples, any shape
 * @param start first value to take
 * @param rounded where the values go, from 0 on, as many as fit or are there
 * @throws RangeError if one of them is NaN, with its place
 */
export function toFloat32(values: Float64Array, start: number, rounded: Float32Array): void {
  const count = Math.min(rounded.length, values.length - start)
  for (let i = 0; i < count; i++) {
    const value = values[start + i]!
    if (value !== value) throw new RangeError(`samples[${start + i}] is NaN: every sample must be a number`)
    rounded[i] = Math.min(Math.max(value, -largestFloat32), largestFloat32)
  }
}

/**
 * The largest float32 that is not above a finite number: for every float32 x, x <= roundDownToFloat32(t)
 * exactly when x <= t. Below the range of float32 its smallest value, above it its largest.
 */
export function roundDownToFloat32(value: number): number {
  const clamped = Math.min(Math.max(value, -largestFloat32), largestFloat32)
  const nearest = Math.fround(clamped)
  return nearest > clamped ? previousFloat32(nearest) : nearest
}

const float = new Float32Array(1)
const bits = new Int32Array(float.buffer)

/** The float32 just below a finite one. */
function previousFloat32(value: number): number {
  float[0] = value
  // Bits of positive numbers grow with the number, those of negative ones fall; below 0 comes the smallest negative.
  if (value > 0) bits[0]!--
  else if (value < 0) bits[0]!++
  else bits[0] = -0x7fffffff
  return float[0]
}
