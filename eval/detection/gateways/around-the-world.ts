import { between, times } from '../draws.js'
import { hourOf, hump, type DrawGateway } from './gateway.js'

/** Users in several time zones, one of which is always awake: flat, and a lot of traffic. */
export const aroundTheWorld: DrawGateway = (random) => {
  const usual = times(random, 2000, 20_000)
  const zones = Array.from({ length: 3 }, (_, i) => ({
    at: (i * 8 + between(random, -1.5, 1.5) + 24) % 24,
    share: between(random, 0.6, 1.4),
  }))
  const medianMs = times(random, 20, 120)
  const errorShare = times(random, 0.001, 0.02)
  return {
    mix: {
      sigma: between(random, 0.5, 0.7),
      slowShare: between(random, 0.01, 0.08),
      slowFactor: between(random, 3, 8),
    },
    dispersion: between(random, 0.01, 0.05),
    truth: (minute) => ({
      requestsPerMinute:
        usual *
        (0.4 + 0.5 * zones.reduce((sum, { at, share }) => sum + share * hump(hourOf(minute), at, 4), 0)),
      medianMs,
      errorShare,
    }),
  }
}
