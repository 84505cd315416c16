import type { Random } from '../../models/statistics/random.js'
import { NO_CHANGE, type Change } from './change.js'
import { between } from './draws.js'
import { DAY, isWeekend } from './gateways/gateway.js'

/** Single outlying minutes per week. */
const ODD_MINUTES = 2

/**
 * Harmless changes that are no incidents: a holiday, a deployment that makes everything a little slower, or a launch,
 * and single outlying minutes.
 *
 * @param from first minute of the week, since the start of the history, which began at firstMinute of a week
 */
export function drawNuisances(random: Random, from: number, to: number, firstMinute: number): Change[] {
  const draws = [holiday, slowerDeployment, launch]
  const odd = Array.from({ length: ODD_MINUTES }, () => {
    const start = from + 60 + random.integer(to - from - 120)
    return { ...NO_CHANGE, name: 'odd minute', start, end: start + 1, traffic: 1.5 }
  })
  return [draws[random.integer(draws.length)]!(random, from, to, firstMinute), ...odd]
}

/** An unannounced holiday: a weekday with about half its traffic, with a transition over hours. */
function holiday(random: Random, from: number, to: number, firstMinute: number): Change {
  const days: number[] = []
  for (let start = from; start < to; start++) {
    const minute = firstMinute + start
    if (minute % DAY === 0 && !isWeekend(minute) && start + DAY <= to) days.push(start)
  }
  const start = days[random.integer(days.length)]!
  const traffic = between(random, 0.4, 0.6)
  return { ...NO_CHANGE, name: 'holiday', start, end: start + DAY, traffic, ramp: 5 * 60 }
}

/** A deployment: from one minute to the next, every latency grows permanently by 8 to 15 %. */
function slowerDeployment(random: Random, from: number, to: number): Change {
  const start = from + random.integer(Math.floor((to - from) / 2)) + 6 * 60
  return {
    ...NO_CHANGE,
    name: 'slower deployment',
    start,
    end: Infinity,
    latency: between(random, 1.08, 1.15),
  }
}

/** A launch: permanent growth by 40 % within a day. */
function launch(random: Random, from: number, to: number): Change {
  const start = from + random.integer(Math.floor((to - from) / 2)) + 6 * 60
  return { ...NO_CHANGE, name: 'launch', start, end: Infinity, traffic: 1.4, ramp: DAY }
}
