import { between, times } from '../draws.js'
import { byWeekday, DAY, hourOf, hump, rise, WEEK, type DrawGateway } from './gateway.js'

const LATENCIES = { sigma: 0.5, slowShare: 0.02, slowFactor: 4 }

const dayOf = (minute: number): number => Math.floor(minute / DAY)

/** From 0 to 1 between two minutes, smoothly at both ends. */
const during = (minute: number, from: number, to: number, ramp: number): number =>
  rise(minute, from, ramp) * (1 - rise(minute, to, ramp))

/** A shop with a sale of two or three days in the judged week, which ends at midnight. */
export const sale: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 400, 4000)
  const more = between(random, 0.4, 0.8)
  const from = Math.ceil((firstMinute + 2 * WEEK) / DAY) * DAY + DAY * (1 + random.integer(2))
  const to = from + DAY * (2 + random.integer(2))
  return {
    mix: LATENCIES,
    dispersion: 0.02,
    truth: (minute) => ({
      requestsPerMinute:
        usual * (0.3 + 0.7 * hump(hourOf(minute), 19, 4)) * (1 + more * during(minute, from, to, 60)),
      medianMs: 60,
      errorShare: 0.005,
    }),
  }
}

/** Bank holidays, one in the history and one in the judged week: a working day like a Sunday. */
export const bankHolidays: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 400, 4000)
  const low = between(random, 0.35, 0.55)
  const first = dayOf(firstMinute)
  const holidays = [first + 2 + random.integer(10), first + 15 + random.integer(5)]
  const isFree = (minute: number) => holidays.includes(dayOf(minute)) || dayOf(minute) % 7 >= 5
  const freedom = (minute: number) => {
    const nights = [-180, -90, 0, 90, 180].map((shift) => Number(isFree(minute + shift)))
    return nights.reduce((sum, each) => sum + each / 5, 0)
  }
  return {
    mix: LATENCIES,
    dispersion: 0.02,
    truth: (minute) => ({
      requestsPerMinute:
        usual * (0.2 + 0.8 * hump(hourOf(minute), 14, 4)) * (1 - (1 - low) * freedom(minute)),
      medianMs: 50,
      errorShare: 0.004,
    }),
  }
}

/** A young product: traffic grows by five to eight per cent a day. */
export const fastGrowth: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 200, 1000)
  const growth = Math.log1p(between(random, 0.05, 0.08))
  return {
    mix: LATENCIES,
    dispersion: 0.03,
    truth: (minute) => ({
      requestsPerMinute:
        usual * (0.3 + 0.7 * hump(hourOf(minute), 20, 4)) * Math.exp((growth * (minute - firstMinute)) / DAY),
      medianMs: 55,
      errorShare: 0.006,
    }),
  }
}

/** The end of a month: two to three days of the judged week have more traffic and are slower. */
export const monthEnd: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 400, 3000)
  const more = between(random, 0.3, 0.6)
  const from = firstMinute + 2 * WEEK + DAY + random.integer(2 * DAY)
  const to = from + Math.round(between(random, 2, 3) * DAY)
  return {
    mix: LATENCIES,
    dispersion: 0.02,
    truth: (minute) => {
      const busy = during(minute, from, to, 4 * 60)
      return {
        requestsPerMinute:
          usual *
          (0.15 + 0.85 * hump(hourOf(minute), 11.5, 3)) *
          byWeekday(minute, (day) => (day >= 5 ? 0.4 : 1)) *
          (1 + more * busy),
        medianMs: 70 * (1 + 0.15 * busy),
        errorShare: 0.004,
      }
    },
  }
}

/** A weekend unlike the others: the history's were calm, the judged one is busy, and Monday is as ever. */
export const busyWeekend: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 400, 3000)
  const more = between(random, 0.4, 0.7)
  const monday = Math.ceil((firstMinute + 2 * WEEK) / WEEK) * WEEK
  const saturday = monday + 5 * DAY < firstMinute + 3 * WEEK - DAY ? monday + 5 * DAY : monday - 2 * DAY
  return {
    mix: LATENCIES,
    dispersion: 0.02,
    truth: (minute) => ({
      requestsPerMinute:
        usual *
        (0.3 + 0.7 * hump(hourOf(minute), 15, 4)) *
        (1 + more * during(minute, saturday + 420, saturday + 2 * DAY - 60, 45)),
      medianMs: 45,
      errorShare: 0.005,
    }),
  }
}

/** Deep dips at lunch and at tea, which begin some minutes earlier or later each day. */
export const lunchDips: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 400, 3000)
  const shifts = Array.from({ length: 40 }, () => between(random, -10, 10))
  return {
    mix: LATENCIES,
    dispersion: 0.02,
    truth: (minute) => {
      const hour = hourOf(minute) + shifts[dayOf(minute) - dayOf(firstMinute)]! / 60
      const open = rise(hour, 8, 0.3) * (1 - rise(hour, 17.5, 0.4))
      const dips = 0.6 * during(60 * hour, 720, 765, 3) + 0.3 * during(60 * hour, 930, 945, 2)
      return {
        requestsPerMinute: usual * (0.06 + 0.94 * open * (1 - dips)),
        medianMs: 40,
        errorShare: 0.004,
      }
    },
  }
}

/** A report that everyone opens on Mondays at eight, for most of an hour. */
export const weeklyReport: DrawGateway = (random) => {
  const usual = times(random, 300, 2500)
  const more = between(random, 1, 2)
  const from = 480 + random.integer(20)
  const lasts = 35 + random.integer(25)
  return {
    mix: LATENCIES,
    dispersion: 0.02,
    truth: (minute) => {
      const ofWeek = minute % WEEK
      const isOn = ofWeek >= from && ofWeek < from + lasts
      return {
        requestsPerMinute: usual * (0.3 + 0.7 * hump(hourOf(minute), 13, 4) + (isOn ? more : 0)),
        medianMs: 60 * (isOn ? 1.4 : 1),
        errorShare: 0.005,
      }
    },
  }
}

/** Two regions twelve hours apart, one of which is moved away and back for some hours on some days. */
export const twoRegions: DrawGateway = (random, firstMinute) => {
  const usual = times(random, 600, 5000)
  const moved = Array.from({ length: 40 }, () => random.uniform() < 0.25)
  const from = between(random, 60, 900)
  return {
    mix: LATENCIES,
    dispersion: 0.02,
    truth: (minute) => {
      const isMoved = moved[dayOf(minute) - dayOf(firstMinute)]!
      const away = isMoved ? during(minute % DAY, from, from + 240, 10) : 0
      const [east, west] = [hump(hourOf(minute), 9, 4), hump(hourOf(minute), 21, 4)]
      return {
        requestsPerMinute: usual * (0.2 + 0.5 * east * (1 - 0.5 * away) + 0.5 * west),
        medianMs: 60 * (1 + 0.1 * away),
        errorShare: 0.004,
      }
    },
  }
}

/** Programs that poll: the same count every minute, day and night. */
export const polling: DrawGateway = (random) => {
  const usual = times(random, 60, 600)
  return {
    mix: { sigma: 0.2, slowShare: 0, slowFactor: 1 },
    dispersion: 0,
    truth: () => ({ requestsPerMinute: usual, medianMs: 8, errorShare: 0.001 }),
  }
}

/** Three to eight requests a minute by day, next to none at night. */
export const fewRequests: DrawGateway = (random) => {
  const usual = between(random, 3, 8)
  return {
    mix: LATENCIES,
    dispersion: 0.1,
    truth: (minute) => ({
      requestsPerMinute: 0.3 + usual * hump(hourOf(minute), 14, 3.5),
      medianMs: 90,
      errorShare: 0.02,
    }),
  }
}
