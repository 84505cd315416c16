import type { Random } from '../../models/statistics/random.js'
import { clientPeaks } from './client-peaks.js'
import { FLOOD, SCRAPER, type Events } from './events.js'
import { DAYS, START_MS } from './period.js'
import type { Shape } from './shape.js'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../models/traffic/durations.js'

const UNDER_MINUTE = 0.8

/** Adds floods and scrapers to the legitimate requests, scaled by the busiest minute or hour of a legitimate client. */
export function drawBad(shape: Shape, nLegitimate: number, random: Random, events: Events): void {
  const peaks = clientPeaks(events.sorted())
  const minute = Math.max(...peaks.map(({ minute }) => minute))
  const hour = Math.max(...peaks.map(({ hour }) => hour))
  let next = nLegitimate
  for (let week = 0; week < 3; week++) {
    for (let i = 0; i < shape.floods; i++) {
      const client = random.uniform() < shape.floodByKnown ? random.integer(nLegitimate) : next++
      drawFlood(shape, week, minute, client, random, events)
    }
  }
  // Where three times the busiest hour is more than an even pace under the busiest minute, there is no such scraper.
  const most = (UNDER_MINUTE * minute * 60) / hour
  if (most < shape.scraperFactor[0]) return
  for (let i = 0; i < shape.scrapers; i++) {
    const perHour = hour * Math.min(most, between(shape.scraperFactor, random))
    drawScraper(shape, perHour, next++, random, events)
  }
}

/** One flood in that week: each of its minutes is a multiple of the busiest legitimate minute. */
function drawFlood(
  shape: Shape,
  week: number,
  minute: number,
  client: number,
  random: Random,
  events: Events,
): void {
  const perMinute = minute * between(shape.floodFactor, random)
  const minutes = Math.round(between(shape.floodMinutes, random))
  const startMs = START_MS + (week * 7 + random.uniform() * 6.9) * DAY_MS
  for (let i = 0; i < perMinute * minutes; i++) {
    events.add(startMs + (i / perMinute) * MINUTE_MS + random.uniform() * 20, client, FLOOD)
  }
}

/** A scraper: an even pace for some hours on some days, a multiple of the busiest legitimate hour, but below the busiest legitimate minute. */
function drawScraper(shape: Shape, perHour: number, client: number, random: Random, events: Events): void {
  const hours = between(shape.scraperHours, random)
  const days = Math.round(between(shape.scraperDays, random))
  const firstDay = random.integer(DAYS - days + 1)
  const startHour = random.uniform() * (24 - hours)
  for (let day = firstDay; day < firstDay + days; day++) {
    const startMs = START_MS + day * DAY_MS + startHour * HOUR_MS
    for (let i = 0; i + 1 <= perHour * hours; i++) {
      events.add(startMs + ((i + random.uniform()) / perHour) * HOUR_MS, client, SCRAPER)
    }
  }
}

function between([low, high]: readonly [number, number], random: Random): number {
  return low + (high - low) * random.uniform()
}
