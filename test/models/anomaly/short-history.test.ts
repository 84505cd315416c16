import t from 'tap'
import { expectedAt, fitExpectation } from '../../../models/anomaly/expectation.js'
import { FEATURES } from '../../../models/anomaly/features.js'
import { featureHistories } from '../../../models/anomaly/model.js'
import { sigmaAt } from './sigma-at.js'
import { fromScale, samplingTerm } from '../../../models/anomaly/scales.js'
import { localTimeOf } from '../../../models/seasonality/local-time.js'
import { generateTraffic } from '../../../models/synthetic/traffic.js'

const HOUR = Date.parse('2026-11-29T08:00:00Z')
const DAY = 1440
const utc = localTimeOf('UTC')

/** What a day of traffic with incidents, which ends at a minute of an hour, says about traffic. */
function expectationUntil(minute: number, seed: number) {
  const startMs = HOUR + (minute - DAY) * 60_000
  const rows = [...generateTraffic({ minutes: DAY, baseRps: 50, anomalyRate: 0.05, seed, startMs })]
  const samples = Float64Array.from(rows.flatMap((row) => FEATURES.map((name) => row[name])))
  const timesMs = Float64Array.from(rows, (row) => row.timestampMs)
  const history = featureHistories({ samples, timesMs, intervalSeconds: 60 }, utc)
  return fitExpectation('requests_per_second', history.requests_per_second)
}

// Incidents of a day may fall on the same minutes of two or three hours.
for (const seed of [42, 7]) {
  t.test(`a day tells how traffic varies, at whatever minute of an hour it ends: seed ${seed}`, async (t) => {
    for (let minute = 0; minute < 60; minute++) {
      const expectation = expectationUntil(minute, seed)
      const { noise } = expectation
      let widest = 0
      for (let i = 0; i < DAY; i++) {
        const expected = expectedAt(expectation, utc(HOUR + i * 60_000))
        const requests = fromScale('requests_per_second', expected) * 60
        const term = samplingTerm('requests_per_second', requests)
        widest = Math.max(widest, sigmaAt(noise, term, i) * Math.max(noise.up, noise.down))
      }
      // The traffic itself goes up and down by a factor of six in a day.
      if (widest > 0.8)
        t.fail(`until minute ${minute}: a standard deviation of ${widest} on the scale of traffic`)
    }
    t.pass('below 0.8')
  })
}
