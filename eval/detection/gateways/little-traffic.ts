import { between, times } from '../draws.js'
import { hourOf, hump, type DrawGateway } from './gateway.js'

/** An internal service: two requests a minute at night, up to thirty by day. */
export const littleTraffic: DrawGateway = (random) => {
  const night = between(random, 2, 5)
  const day = between(random, 12, 30)
  const medianMs = times(random, 30, 300)
  const errorShare = times(random, 0.002, 0.02)
  return {
    mix: { sigma: between(random, 0.4, 0.8), slowShare: 0, slowFactor: 1 },
    dispersion: 0,
    truth: (minute) => ({
      requestsPerMinute: night + (day - night) * hump(hourOf(minute), 14, 3.5),
      medianMs,
      errorShare,
    }),
  }
}
