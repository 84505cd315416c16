import t from 'tap'
import fc from '../../../properties.js'
import { highestLegitimatePeak, type Peak } from '../../../../models/rate-limit/clients/runaways.js'

const strangers = (values: readonly number[]): Peak[] => values.map((value) => ({ value, trusted: false }))
/** Peaks from 1 to `most`, as many of each. */
const crowd = (clients: number, most: number) => Array.from({ length: clients }, (_, i) => 1 + (i % most))
const PAIRS = [50, 50, 115, 115, 270, 270, 640, 640, 1500, 1500]

t.test('pairs that stand upon one another do not climb out of a crowd', async (t) => {
  for (const clients of [400, 3000, 12_000]) {
    t.equal(highestLegitimatePeak(strangers([...crowd(clients, 24), ...PAIRS]), 3), 50, `${clients} clients`)
  }
})

t.test('as few as one in 200 never raise it beyond its reach above the crowd', async () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 100_000 }), { maxLength: 5 }),
      fc.integer({ min: 2, max: 50 }),
      (group, most) =>
        highestLegitimatePeak(strangers([...crowd(1000, most), ...group]), 3) <= 3 * Math.max(most, 5),
    ),
  )
})

t.test('one in a hundred who do as much are part of the crowd', async (t) => {
  const many = [60, 150].flatMap((value) => Array.from({ length: 11 }, () => value))
  t.equal(highestLegitimatePeak(strangers([...crowd(1000, 24), ...many]), 3), 150)
})

t.test('the ladder of a few clients needs two, and a trusted one always belongs', async (t) => {
  t.equal(highestLegitimatePeak([], 3), 0)
  t.equal(highestLegitimatePeak(strangers([7]), 3), 7)
  t.equal(highestLegitimatePeak(strangers([10, 10, 12, 25, 30, 70]), 3), 70)
  t.equal(highestLegitimatePeak(strangers([10, 10, 12, 37, 100]), 3), 12)
  t.equal(highestLegitimatePeak([...strangers([10, 10, 12, 37]), { value: 500, trusted: true }], 3), 500)
  t.equal(highestLegitimatePeak(strangers([1, 1, 1, 15, 16, 46]), 3), 15, 'five requests are nobody’s flood')
})
