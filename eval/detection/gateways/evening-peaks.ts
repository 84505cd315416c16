import { between, times } from '../draws.js'
import { byWeekday, DAY, hourOf, hump, type DrawGateway } from './gateway.js'

/** A product for evenings that grows by 2 to 4 % a day; slower when it is busy. */
export const eveningPeaks: DrawGateway = (random, firstMinute) => {
  const peak = times(random, 600, 6000)
  const growth = Math.log1p(between(random, 0.02, 0.04))
  const night = between(random, 0.08, 0.2)
  const at = between(random, 19, 21)
  const weekend = between(random, 1, 1.3)
  const medianMs = times(random, 40, 200)
  const errorShare = times(random, 0.002, 0.015)
  return {
    mix: {
      sigma: between(random, 0.4, 0.6),
      slowShare: between(random, 0.02, 0.06),
      slowFactor: between(random, 3, 6),
    },
    dispersion: between(random, 0, 0.04),
    truth: (minute) => {
      const hour = hourOf(minute)
      const busy = night + (1 - night) * Math.max(hump(hour, at, 2.2), 0.35 * hump(hour, 12.5, 3))
      const grown = Math.exp((growth * (minute - firstMinute)) / DAY)
      return {
        requestsPerMinute: peak * busy * grown * byWeekday(minute, (weekday) => (weekday >= 5 ? weekend : 1)),
        medianMs: medianMs * (1 + 0.35 * busy ** 2),
        errorShare,
      }
    },
  }
}
