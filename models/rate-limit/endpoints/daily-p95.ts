import { busyMinute } from './busy-minute.js'
import { inRanges, mergeRanges, minutesOutside } from '../minute-ranges.js'
import type { EndpointTraffic } from './profile.js'

const MINUTES_PER_DAY = 1440

/**
 * The p95 of requests per minute of each day (UTC) by itself, by the rule of the profile
 * ({@link busyMinute}). Days without any are left
 * out. How much they differ is how much a limit depends on the day.
 *
 * @returns one figure a day with requests outside the excluded minutes, in order
 */
export function dailyP95(traffic: Pick<EndpointTraffic, 'minutes' | 'counts' | 'excluded'>): Float64Array {
  const { minutes, counts } = traffic
  const excluded = mergeRanges(traffic.excluded ?? [])
  const days = new Map<number, number[]>()
  for (let i = 0; i < minutes.length; i++) {
    if (inRanges(excluded, minutes[i]!)) continue
    const day = Math.floor(minutes[i]! / MINUTES_PER_DAY)
    const ofDay = days.get(day)
    if (ofDay) ofDay.push(counts[i]!)
    else days.set(day, [counts[i]!])
  }
  const first = minutes[0] ?? 0
  const end = (minutes[minutes.length - 1] ?? 0) + 1
  return Float64Array.from(days, ([day, ofDay]) => {
    const from = Math.max(first, day * MINUTES_PER_DAY)
    const nMinutes = minutesOutside(excluded, { from, to: Math.min(end, (day + 1) * MINUTES_PER_DAY) })
    return busyMinute(Float64Array.from(ofDay).sort(), nMinutes)
  })
}
