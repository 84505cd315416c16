import { between, times } from '../draws.js'
import { hourOf, rise, type DrawGateway } from './gateway.js'

/** About twenty requests a minute by day, and one in two minutes at night. Its log has no row of an empty minute. */
export const quietNights: DrawGateway = (random) => {
  const day = between(random, 15, 30)
  const night = between(random, 0.2, 0.8)
  const [opens, closes] = [between(random, 6, 9), between(random, 19, 23)]
  const medianMs = times(random, 30, 300)
  const errorShare = times(random, 0.002, 0.02)
  return {
    mix: { sigma: between(random, 0.4, 0.8), slowShare: 0, slowFactor: 1 },
    dispersion: 0,
    omitsEmptyRows: true,
    truth: (minute) => {
      const open = rise(hourOf(minute), opens, 0.15) * (1 - rise(hourOf(minute), closes, 0.15))
      return { requestsPerMinute: night + (day - night) * open, medianMs, errorShare }
    },
  }
}
