import { between, times } from '../draws.js'
import { drawEvents, eventsAt, fading, periodically } from './events.js'
import { DAY, hourOf, hump, isWeekend, rise, type DrawGateway } from './gateway.js'

const LATENCIES = { sigma: 0.5, slowShare: 0.02, slowFactor: 4 }

const office = (minute: number): number =>
  0.15 + 0.85 * rise(hourOf(minute), 8, 0.6) * (1 - rise(hourOf(minute), 18, 0.8))

/** Memory that leaks: latencies rise for hours, until a restart makes them low again. */
export const memoryLeaks: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 500, 3000)
  const period = between(random, 7, 15) * 60
  const most = between(random, 0.5, 1)
  return {
    mix: LATENCIES,
    dispersion: 0.03,
    truth: (minute) => ({
      requestsPerMinute: usual * (0.6 + 0.4 * hump(hourOf(minute), 15, 5)),
      medianMs: 50 * (1 + most * (((minute - firstMinute) % period) / period) ** 2),
      errorShare: 0.004,
    }),
  }
}

/** A maintenance window early on Sundays and Wednesdays, with little traffic that is slow. */
export const maintenanceWindows: DrawGateway = (random) => {
  const usual = times(random, 500, 3000)
  const at = 120 + random.integer(150)
  const lasts = 35 + random.integer(60)
  return {
    mix: LATENCIES,
    dispersion: 0.02,
    truth: (minute) => {
      const weekday = Math.floor(minute / DAY) % 7
      const since = (minute % DAY) - at
      const isOn = (weekday === 6 || weekday === 2) && since >= 0 && since < lasts
      return {
        requestsPerMinute: usual * (0.4 + 0.6 * hump(hourOf(minute), 14, 4)) * (isOn ? 0.3 : 1),
        medianMs: 40 * (isOn ? 1.8 : 1),
        errorShare: 0.004,
      }
    },
  }
}

/** Batches from one to about three at night on working days: much traffic, and slow. */
export const nightBatches: DrawGateway = (random) => {
  const usual = times(random, 200, 1500)
  const more = between(random, 1.5, 3)
  const lasts = 60 + random.integer(80)
  return {
    mix: LATENCIES,
    dispersion: 0.03,
    truth: (minute) => {
      const since = (minute % DAY) - 60
      const isOn = !isWeekend(minute) && since >= 0 && since < lasts
      return {
        requestsPerMinute: usual * (office(minute) * (isWeekend(minute) ? 0.4 : 1) + (isOn ? more : 0)),
        medianMs: 60 * (isOn ? 1.5 : 1),
        errorShare: 0.003,
      }
    },
  }
}

/** A program at nine on working days for two minutes, and another one on Fridays at four. */
export const workdayJob: DrawGateway = (random) => {
  const usual = times(random, 300, 2000)
  const more = between(random, 1, 2.5)
  return {
    mix: LATENCIES,
    dispersion: 0.02,
    truth: (minute) => {
      const ofDay = minute % DAY
      const nine = !isWeekend(minute) && ofDay >= 540 && ofDay < 542 ? more : 0
      const friday = Math.floor(minute / DAY) % 7 === 4 && ofDay >= 960 && ofDay < 985 ? more / 2 : 0
      return {
        requestsPerMinute: usual * (0.5 + 0.5 * hump(hourOf(minute), 13, 4) + nine + friday),
        medianMs: 45,
        errorShare: 0.005,
      }
    },
  }
}

/** Servers that are started too late in the morning: latencies rise and fall again on working days. */
export const autoscaling: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 800, 5000)
  const starts = Array.from({ length: 28 }, (_, day) => firstMinute + day * DAY)
    .filter((minute) => !isWeekend(minute))
    .map((minute) => Math.round(minute + 8.3 * 60 + between(random, -25, 25)))
  const ramp = eventsAt(random, firstMinute, starts, {
    minutes: [12, 25],
    factor: [1.6, 2.2],
    shape: (share) => Math.sin(Math.PI * share),
  })
  return {
    mix: LATENCIES,
    dispersion: 0.02,
    truth: (minute) => ({
      requestsPerMinute: usual * office(minute) * (isWeekend(minute) ? 0.3 : 1),
      medianMs: 40 * ramp(minute),
      errorShare: 0.003,
    }),
  }
}

/** Half of the servers have another release for some hours: a step of the latency up, and back. */
export const latencySteps: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 500, 4000)
  const step = drawEvents(random, firstMinute, {
    perDay: between(random, 1, 2),
    minutes: [60, 400],
    factor: [1.25, 1.45],
  })
  return {
    mix: LATENCIES,
    dispersion: 0.02,
    truth: (minute) => ({
      requestsPerMinute: usual * (0.4 + 0.6 * hump(hourOf(minute), 14, 4)),
      medianMs: 50 * Math.min(1.5, step(minute)),
      errorShare: 0.004,
    }),
  }
}

/** An error rate that wanders by itself between a tenth of a percent and a few. */
export const wanderingErrors: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 500, 3000)
  const starts = periodically(random, firstMinute, 300, 120)
  const swell = eventsAt(random, firstMinute, starts, {
    minutes: [60, 300],
    factor: [2, 8],
    shape: (share) => Math.sin(Math.PI * share),
  })
  return {
    mix: LATENCIES,
    dispersion: 0.02,
    truth: (minute) => ({
      requestsPerMinute: usual * (0.5 + 0.5 * hump(hourOf(minute), 14, 4)),
      medianMs: 60,
      errorShare: Math.min(0.06, 0.004 * swell(minute)),
    }),
  }
}

/** A heavy tail: some of the requests take ten times as long, more of them at some times than at others. */
export const heavyTail: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 100, 1500)
  const heavier = drawEvents(random, firstMinute, {
    perDay: 12,
    minutes: [5, 40],
    factor: [1.1, 1.4],
    shape: fading,
  })
  return {
    mix: { sigma: 0.9, slowShare: 0.05, slowFactor: 12 },
    dispersion: 0.05,
    truth: (minute) => ({
      requestsPerMinute: usual * (0.4 + 0.6 * hump(hourOf(minute), 14, 4)),
      medianMs: 50 * heavier(minute),
      errorShare: 0.01,
    }),
  }
}

/** Few requests whose latencies have a tail like a power law: one slow request makes the p99 of a minute. */
export const fewSlowTails: DrawGateway = (random) => {
  const usual = times(random, 20, 300)
  return {
    mix: {
      sigma: between(random, 0.4, 0.7),
      slowShare: 0,
      slowFactor: 1,
      tailIndex: between(random, 0.3, 0.65),
      drawnOneByOne: 500,
    },
    dispersion: 0.03,
    truth: (minute) => ({
      requestsPerMinute: usual * (0.25 + 0.75 * hump(hourOf(minute), 14, 4)),
      medianMs: 60,
      errorShare: 0.01,
    }),
  }
}

/** Few requests, of which one in some hundreds waits for a timeout. */
export const rareTimeouts: DrawGateway = (random) => {
  const usual = times(random, 20, 300)
  return {
    mix: {
      sigma: 0.5,
      slowShare: 1 / times(random, 150, 800),
      slowFactor: times(random, 60, 300),
      drawnOneByOne: 500,
    },
    dispersion: 0.03,
    truth: (minute) => ({
      requestsPerMinute: usual * (0.25 + 0.75 * hump(hourOf(minute), 14, 4)),
      medianMs: 80,
      errorShare: 0.01,
    }),
  }
}
