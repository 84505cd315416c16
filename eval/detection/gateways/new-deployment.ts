import { between, times } from '../draws.js'
import { byWeekday, DAY, hourOf, hump, type DrawGateway } from './gateway.js'

/** On a day of the history a deployment changes the latency for good, for better or worse. */
export const newDeployment: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 500, 5000)
  const swing = between(random, 0.5, 0.8)
  const weekend = between(random, 0.5, 0.9)
  const deployedAt = firstMinute + Math.round(between(random, 3, 12) * DAY)
  const change = random.uniform() < 0.7 ? between(random, 1.3, 1.8) : between(random, 0.55, 0.8)
  const medianMs = times(random, 30, 200)
  const errorShare = times(random, 0.001, 0.01)
  return {
    mix: { sigma: between(random, 0.4, 0.6), slowShare: 0, slowFactor: 1 },
    dispersion: between(random, 0, 0.05),
    truth: (minute) => ({
      requestsPerMinute:
        usual *
        (1 - swing + swing * hump(hourOf(minute), 15, 4)) *
        byWeekday(minute, (weekday) => (weekday >= 5 ? weekend : 1)),
      medianMs: medianMs * (minute >= deployedAt ? change : 1),
      errorShare,
    }),
  }
}
