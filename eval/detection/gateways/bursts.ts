import { between, times } from '../draws.js'
import { drawEvents, eventsAt, fading, periodically } from './events.js'
import { byWeekday, hourOf, hump, type DrawGateway } from './gateway.js'

const LATENCIES = { sigma: 0.5, slowShare: 0.02, slowFactor: 4 }

/** A mild rhythm of the day that the kinds of this file share. */
const daily = (minute: number): number => 0.5 + 0.5 * hump(hourOf(minute), 14, 4.5)

/** Bursts of traffic at any time, eight to twelve a day, of any size and length. */
export const randomBursts: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 300, 3000)
  const burst = drawEvents(random, firstMinute, {
    perDay: between(random, 8, 12),
    minutes: [2, 8],
    factor: [1.6, 4],
  })
  return {
    mix: LATENCIES,
    dispersion: 0.03,
    truth: (minute) => ({
      requestsPerMinute: usual * daily(minute) * burst(minute),
      medianMs: 60,
      errorShare: 0.004,
    }),
  }
}

/** Bursts of traffic that slow the gateway down while they last. */
export const slowingBursts: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 300, 3000)
  const slower = between(random, 0.4, 0.9)
  const burst = drawEvents(random, firstMinute, {
    perDay: between(random, 4, 8),
    minutes: [3, 12],
    factor: [1.5, 3],
  })
  return {
    mix: LATENCIES,
    dispersion: 0.03,
    truth: (minute) => ({
      requestsPerMinute: usual * daily(minute) * burst(minute),
      medianMs: 50 * burst(minute) ** slower,
      errorShare: 0.004,
    }),
  }
}

/** Jobs every 10, 15, 30 and 60 minutes, on the minute. */
export const cronBursts: DrawGateway = (random) => {
  const usual = times(random, 200, 2000)
  const periods = [10, 15, 30, 60].map((period) => ({
    period,
    more: between(random, 0.2, 0.9),
    lasts: 1 + random.integer(2),
  }))
  return {
    mix: LATENCIES,
    dispersion: 0.03,
    truth: (minute) => {
      const jobs = periods.reduce(
        (sum, { period, more, lasts }) => sum + (minute % period < lasts ? more : 0),
        0,
      )
      return {
        requestsPerMinute: usual * (daily(minute) + jobs),
        medianMs: 40 * (1 + 0.1 * jobs),
        errorShare: 0.003,
      }
    },
  }
}

/** A job that begins about every three quarters of an hour after it has ended, so that it keeps no clock. */
export const driftingJob: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 300, 2000)
  const starts = periodically(random, firstMinute, between(random, 37, 97), 6)
  const job = eventsAt(random, firstMinute, starts, { minutes: [3, 5], factor: [1.9, 2.4] })
  return {
    mix: LATENCIES,
    dispersion: 0.02,
    truth: (minute) => ({
      requestsPerMinute: usual * daily(minute) * job(minute),
      medianMs: 80 * job(minute) ** 0.3,
      errorShare: 0.005,
    }),
  }
}

/** One huge client that is on for some hours and off for some, whenever it likes. */
export const onOffClient: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 200, 1000)
  const client = drawEvents(random, firstMinute, {
    perDay: between(random, 3, 5),
    minutes: [40, 150],
    factor: [2.2, 2.8],
  })
  return {
    mix: LATENCIES,
    dispersion: 0.03,
    truth: (minute) => ({
      requestsPerMinute: usual * daily(minute) * Math.min(3, client(minute)),
      medianMs: 35,
      errorShare: 0.004,
    }),
  }
}

/** Deployments on working days, each followed by slow minutes until caches are warm. */
export const deployWarmUps: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 500, 4000)
  const warmUp = drawEvents(random, firstMinute, {
    perDay: between(random, 5, 8) * 2.5,
    minutes: [6, 14],
    factor: [2, 3.5],
    isPossible: (minute) => Math.floor(minute / 1440) % 7 < 5 && hourOf(minute) >= 9 && hourOf(minute) < 18,
    shape: fading,
  })
  return {
    mix: LATENCIES,
    dispersion: 0.02,
    truth: (minute) => ({
      requestsPerMinute: usual * daily(minute) * byWeekday(minute, (day) => (day >= 5 ? 0.6 : 1)),
      medianMs: 45 * warmUp(minute),
      errorShare: 0.004 * warmUp(minute),
    }),
  }
}

/** A cache that expires every few hours: a few slow minutes each time. */
export const cacheExpiries: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 400, 4000)
  const starts = periodically(random, firstMinute, between(random, 130, 260), 5)
  const expiry = eventsAt(random, firstMinute, starts, {
    minutes: [3, 6],
    factor: [2.2, 3],
    shape: fading,
  })
  return {
    mix: LATENCIES,
    dispersion: 0.02,
    truth: (minute) => ({
      requestsPerMinute: usual * daily(minute),
      medianMs: 25 * expiry(minute),
      errorShare: 0.002,
    }),
  }
}

/** Clients that retry: now and then a few minutes with many errors and more requests. */
export const retryStorms: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 300, 3000)
  const storm = drawEvents(random, firstMinute, {
    perDay: between(random, 3, 6),
    minutes: [2, 7],
    factor: [1.4, 2.2],
  })
  return {
    mix: LATENCIES,
    dispersion: 0.03,
    truth: (minute) => ({
      requestsPerMinute: usual * daily(minute) * storm(minute),
      medianMs: 70,
      errorShare: 0.005 + 0.12 * (storm(minute) - 1),
    }),
  }
}
