import t from 'tap'
import { contaminationThreshold } from '../../../models/index.js'

const negatedScores = Float64Array.of(-0.4, -0.7, -0.5, -0.45, -0.42)

t.test('the threshold is the quantile at the contamination', async (t) => {
  t.equal(contaminationThreshold(negatedScores, 0.25, 0), -0.5)
  t.ok(Math.abs(contaminationThreshold(negatedScores, 0.1, 0) - -0.62) < 1e-12)
})

t.test('the threshold is never above the ceiling', async (t) => {
  t.equal(contaminationThreshold(negatedScores, 0.25, -0.5), -0.5)
  t.equal(contaminationThreshold(negatedScores, 0.25, -0.6), -0.6)
})

t.test('a contamination out of its range is an error', async (t) => {
  for (const contamination of [0, -0.1, 0.51, NaN]) {
    t.throws(() => contaminationThreshold(negatedScores, contamination, 0), {
      name: 'RangeError',
      message: `contamination is ${contamination}: it must be above 0 and at most 0.5`,
    })
  }
  t.throws(() => contaminationThreshold([], 0.1, 0), RangeError)
})
