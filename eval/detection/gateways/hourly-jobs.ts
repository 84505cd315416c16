import { between, times } from '../draws.js'
import { hourOf, hump, type DrawGateway } from './gateway.js'

/** Programs that start on the hour, some at the half, and a nightly run, over a mild rhythm of the day. */
export const hourlyJobs: DrawGateway = (random) => {
  const usual = times(random, 200, 2000)
  const onTheHour = between(random, 1, 2.5)
  const atTheHalf = random.uniform() < 0.5 ? between(random, 0.3, 0.8) : 0
  const lasts = 2 + random.integer(3)
  const slower = between(random, 0.2, 0.8)
  const nightly = {
    hour: random.integer(5),
    minutes: 15 + random.integer(30),
    factor: between(random, 1.5, 3),
  }
  const swing = between(random, 0.2, 0.5)
  const medianMs = times(random, 30, 200)
  const errorShare = times(random, 0.001, 0.01)
  return {
    mix: { sigma: between(random, 0.4, 0.6), slowShare: 0, slowFactor: 1 },
    dispersion: between(random, 0.02, 0.06),
    truth: (minute) => {
      const ofHour = minute % 60
      const job = ofHour < lasts ? 1 : 0
      const half = ofHour >= 30 && ofHour < 30 + lasts ? 1 : 0
      const sinceNightly = (hourOf(minute) - nightly.hour) * 60
      const night = sinceNightly >= 0 && sinceNightly < nightly.minutes ? nightly.factor - 1 : 0
      const day = 1 - swing + swing * hump(hourOf(minute), 14, 4)
      return {
        requestsPerMinute: usual * (day + onTheHour * job + atTheHalf * half + night),
        medianMs: medianMs * (1 + slower * Math.max(job, half * 0.5)),
        errorShare,
      }
    },
  }
}
