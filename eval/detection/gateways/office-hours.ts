import { between, times } from '../draws.js'
import { hourOf, hump, isWeekend, rise, type DrawGateway } from './gateway.js'

/** People at their desks: steep mornings, a dip at lunch, next to nothing at night and at the weekend. */
export const officeHours: DrawGateway = (random) => {
  const peak = times(random, 400, 4000)
  const night = between(random, 0.03, 0.08)
  const weekend = between(random, 0.06, 0.2)
  const [opens, closes] = [between(random, 7.5, 8.5), between(random, 16.5, 18)]
  const lunch = between(random, 0.1, 0.3)
  const medianMs = times(random, 20, 150)
  const errorShare = times(random, 0.001, 0.01)
  return {
    mix: { sigma: between(random, 0.4, 0.7), slowShare: 0, slowFactor: 1 },
    dispersion: 0,
    truth: (minute) => {
      const hour = hourOf(minute)
      const open =
        rise(hour, opens, 0.4) * (1 - rise(hour, closes, 0.5)) * (1 - lunch * hump(hour, 12.5, 0.5))
      const busy = night + (1 - night) * open * (isWeekend(minute) ? weekend : 1)
      return { requestsPerMinute: peak * busy, medianMs: medianMs * (1 + 0.3 * open), errorShare }
    },
  }
}
