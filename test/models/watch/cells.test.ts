import t from 'tap'
import { createRandom } from '../../../models/statistics/random.js'
import {
  betweenHours,
  cellDeviations,
  SCALES,
  type CellSums,
  type Reading,
} from '../../../models/watch/cells.js'
import { poisson } from '../../../eval/detection/draws.js'

const COUNTS: Reading = {
  deviation: (seen, expected) => Math.log((seen + 0.5) / (expected + 0.5)),
  variance: (expected) => 1 / (expected + 0.5),
  isRelative: false,
  min: 0.5,
}

/** Counts of a number of days with factors on the cells. */
function counts(nDays: number, factors: readonly number[], expected = 100, seed = 1): CellSums {
  const random = createRandom(seed)
  const n = nDays * factors.length
  return {
    nDays,
    seen: Float64Array.from({ length: n }, (_, i) =>
      poisson(random, expected * factors[i % factors.length]!),
    ),
    expected: new Float64Array(n).fill(expected),
  }
}

const flat = new Array<number>(100).fill(1)
const withJob = flat.map((factor, cell) => (cell === 7 ? 3 : factor))

t.test('cells that deviate by chance alone are shrunk to next to nothing', async (t) => {
  const deviations = cellDeviations(counts(14, flat), COUNTS)
  t.ok(deviations.every((each) => Math.abs(each) < 0.05))
})

t.test('a cell of a job keeps all of its deviation, and the others none', async (t) => {
  const deviations = cellDeviations(counts(14, withJob), COUNTS)
  t.ok(Math.abs(deviations[7]! - Math.log(3)) < 0.05, String(deviations[7]))
  t.ok(deviations.every((each, cell) => cell === 7 || Math.abs(each) < 0.05))
})

t.test('an incident on one day changes nothing, in two days neither', async (t) => {
  for (const nDays of [14, 3, 2]) {
    const sums = counts(nDays, flat)
    sums.seen[7] = 2000
    t.ok(Math.abs(cellDeviations(sums, COUNTS)[7]!) < 0.2, `${nDays} days`)
  }
})

t.test('a single day is no rhythm', async (t) => {
  t.ok(cellDeviations(counts(1, withJob), COUNTS).every((each) => each === 0))
})

t.test('cells without a known day have no deviation', async (t) => {
  const sums = { nDays: 14, seen: new Float64Array(140), expected: new Float64Array(140) }
  t.ok(cellDeviations(sums, COUNTS).every((each) => each === 0))
})

t.test('values between hours lie on lines, around midnight too', async (t) => {
  const hours = new Float64Array(24)
  hours[0] = 1
  const values = betweenHours(hours, SCALES.hourOfDay.cellOf, 24)
  const at = (hour: number, minute: number) => values[hour * 60 + minute]!
  t.ok(Math.abs(at(0, 29) - 1) < 0.02 && Math.abs(at(0, 30) - 1) < 0.02)
  t.ok(Math.abs(at(1, 0) - 0.5) < 0.02 && Math.abs(at(23, 59) - 0.5) < 0.02)
  t.equal(at(12, 0), 0)
})
