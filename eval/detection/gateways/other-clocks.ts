import { between, times } from '../draws.js'
import { eventsAt } from './events.js'
import { DAY, hourOf, hump, isWeekend, type DrawGateway } from './gateway.js'

const LATENCIES = { sigma: 0.5, slowShare: 0.02, slowFactor: 4 }

/** A school: lessons of 45 minutes with breaks of 10, in which everyone is online, on working days from eight to three. */
export const lessons: DrawGateway = (random) => {
  const usual = times(random, 300, 2000)
  const more = between(random, 1.2, 2.5)
  return {
    mix: LATENCIES,
    dispersion: 0.03,
    truth: (minute) => {
      const sinceEight = (minute % DAY) - 480
      const isSchool = !isWeekend(minute) && sinceEight >= 0 && sinceEight < 420
      const isBreak = isSchool && sinceEight % 55 >= 45
      return {
        requestsPerMinute:
          usual * (0.2 + 0.3 * hump(hourOf(minute), 17, 3) + (isSchool ? 0.6 : 0) + (isBreak ? more : 0)),
        medianMs: 45 * (isBreak ? 1.2 : 1),
        errorShare: 0.004,
      }
    },
  }
}

/** A nightly batch that begins when another system has delivered: at about three, up to an hour earlier or later. */
export const lateBatches: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 300, 2000)
  const starts = Array.from({ length: 28 }, (_, day) =>
    Math.round(firstMinute + day * DAY + 180 + between(random, -60, 60)),
  )
  const batch = eventsAt(random, firstMinute, starts, { minutes: [30, 50], factor: [2.2, 3] })
  return {
    mix: LATENCIES,
    dispersion: 0.03,
    truth: (minute) => ({
      requestsPerMinute: usual * (0.3 + 0.7 * hump(hourOf(minute), 14, 4)) * batch(minute),
      medianMs: 55 * batch(minute) ** 0.3,
      errorShare: 0.004,
    }),
  }
}

/** A harbour: traffic follows the tides, which keep a clock of their own, twelve hours and twenty-five minutes long. */
export const tides: DrawGateway = (random) => {
  const usual = times(random, 300, 2000)
  const swing = between(random, 0.3, 0.6)
  const phase = random.integer(745)
  return {
    mix: LATENCIES,
    dispersion: 0.03,
    truth: (minute) => ({
      requestsPerMinute:
        usual *
        (0.4 + 0.6 * hump(hourOf(minute), 13, 5)) *
        (1 + swing * Math.sin((2 * Math.PI * (minute + phase)) / 745)),
      medianMs: 50,
      errorShare: 0.005,
    }),
  }
}
