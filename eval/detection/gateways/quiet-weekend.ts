import { between, times } from '../draws.js'
import { byWeekday, hourOf, hump, type DrawGateway } from './gateway.js'

/** A shop for businesses: each weekday a little different, weekends quiet, later, and faster. */
export const quietWeekend: DrawGateway = (random) => {
  const peak = times(random, 400, 5000)
  const weekdays = Array.from({ length: 5 }, () => between(random, 0.85, 1.15))
  const weekend = between(random, 0.25, 0.5)
  const night = between(random, 0.1, 0.25)
  const medianMs = times(random, 40, 250)
  const errorShare = times(random, 0.001, 0.015)
  return {
    mix: { sigma: between(random, 0.4, 0.7), slowShare: 0, slowFactor: 1 },
    dispersion: between(random, 0, 0.03),
    truth: (minute) => {
      const hour = hourOf(minute)
      const working = Math.max(hump(hour, 10.5, 2.5), 0.85 * hump(hour, 15.5, 2.8))
      const level = byWeekday(minute, (weekday) => weekdays[weekday] ?? weekend)
      const off = byWeekday(minute, (weekday) => Number(weekday >= 5))
      const shape = (1 - off) * working + off * hump(hour, 16, 4)
      const busy = (night + (1 - night) * shape) * level
      return { requestsPerMinute: peak * busy, medianMs: medianMs * (1 + 0.2 * busy), errorShare }
    },
  }
}
