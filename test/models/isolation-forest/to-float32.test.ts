import t from 'tap'
import fc from '../../properties.js'
import { largestFloat32, roundDownToFloat32, toFloat32 } from '../../../models/isolation-forest/to-float32.js'

const finite = fc.double({ noNaN: true, noDefaultInfinity: true })

t.test('samples are rounded to the nearest float32, and to the largest beyond its range', async (t) => {
  const rounded = new Float32Array(6)
  toFloat32(Float64Array.of(99, 0.1, -2.5, 1e300, -1e300, Infinity, -Infinity), 1, rounded)
  const expected = [Math.fround(0.1), -2.5, largestFloat32, -largestFloat32, largestFloat32, -largestFloat32]
  t.same([...rounded], expected)
})

t.test('NaN among the samples is an error that names its place', async (t) => {
  const error = { name: 'RangeError', message: 'samples[3] is NaN: every sample must be a number' }
  t.throws(() => toFloat32(Float64Array.of(0, 1, 2, NaN), 2, new Float32Array(2)), error)
})

t.test('rounding down gives the largest float32 that is not above', async (t) => {
  const above = (value: number): number => {
    const bits = new Int32Array(Float32Array.of(value).buffer)
    if (value === 0) bits[0] = 1
    else bits[0]! += value > 0 ? 1 : -1
    return new Float32Array(bits.buffer)[0]!
  }
  fc.assert(
    fc.property(finite, (value) => {
      const rounded = roundDownToFloat32(value)
      if (Math.abs(value) > largestFloat32) return rounded === Math.sign(value) * largestFloat32
      return Math.fround(rounded) === rounded && rounded <= value && above(rounded) > value
    }),
    { seed: 1, numRuns: 2000, examples: [[0], [-0], [-1e-60], [1e-60], [0.1], [-0.1], [largestFloat32]] },
  )
  t.equal(roundDownToFloat32(1), 1)
  t.equal(roundDownToFloat32(-1e-60), -1.401298464324817e-45)
})
