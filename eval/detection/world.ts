import { createRandom, type Random } from '../../models/statistics/random.js'
import { changed, type Change } from './change.js'
import { drawDrift } from './drift.js'
import { DAY, WEEK } from './gateways/gateway.js'
import { GATEWAYS } from './gateways/index.js'
import { drawIncidents, type Size } from './incidents.js'
import { latencyShape } from './latency-shape.js'
import { drawRow, type Condition, type Row } from './minutes.js'
import { drawNuisances } from './nuisances.js'
import { isProvable } from './provable.js'

export const MINUTE_MS = 60_000
/** A Monday. */
const EPOCH_MS = Date.UTC(2025, 2, 3)
const HISTORY = 2 * WEEK
const MINUTES = 3 * WEEK

/** Labelled incidents of a judged week; and unlabelled ones in two weeks of history, about 4 % of its minutes. */
const INCIDENTS = 8
const HISTORY_INCIDENTS = { large: 14, small: 9 }

/** A week to judge: what was reported, and what really happened. */
export interface JudgedWeek {
  readonly rows: readonly Row[]
  readonly incidents: readonly Change[]
  readonly nuisances: readonly Change[]
}

/** A gateway of one kind and seed: its history, and the same third week with different things happening in it. */
export interface World {
  readonly gateway: string
  readonly seed: number
  /** When minute 0 of every change was. */
  readonly startMs: number
  readonly history: readonly Row[]
  readonly large: JudgedWeek
  readonly small: JudgedWeek
  /** The same weeks as a source reports them that has a tenth of the traffic; incidents that it cannot show left out. */
  readonly tenth: Readonly<Record<Size, JudgedWeek>>
}

/** @throws RangeError when there is no such gateway */
export function drawWorld(name: string, seed: number): World {
  const draw = GATEWAYS.get(name)
  if (!draw)
    throw new RangeError(`No gateway is called ${name}; there are ${[...GATEWAYS.keys()].join(', ')}.`)
  const place = [...GATEWAYS.keys()].indexOf(name)
  const random = createRandom(seed * 1000 + place)
  const firstMinute = random.integer(7) * DAY
  const startMs = EPOCH_MS + firstMinute * MINUTE_MS
  const gateway = draw(random, firstMinute)
  const shape = latencyShape(gateway.mix)
  const drift = drawDrift(random, MINUTES)
  const usual = (minute: number): Condition => {
    const { requestsPerMinute, medianMs, errorShare } = gateway.truth(firstMinute + minute)
    return {
      requestsPerMinute: requestsPerMinute * drift.traffic[minute]!,
      medianMs: medianMs * drift.latency[minute]!,
      errorShare: errorShare * drift.errors[minute]!,
      shape,
    }
  }
  const incidents = (size: Size, count: number, from: number, to: number, under = usual) =>
    drawIncidents(random, { size, count, from, to }, (change) => isProvable(change, under, 1))
  const report = (from: number, to: number, changes: readonly Change[], gaps: readonly Change[], share = 1) =>
    drawRows(
      random,
      from,
      to,
      gateway.dispersion,
      (minute) => {
        if (gaps.some(({ start, end }) => minute >= start && minute < end)) return null
        const condition = changes.reduce((before, change) => changed(before, change, minute), usual(minute))
        return { ...condition, requestsPerMinute: share * condition.requestsPerMinute }
      },
      startMs,
    )

  const past = [
    ...incidents('large', HISTORY_INCIDENTS.large, 0, HISTORY),
    ...incidents('small', HISTORY_INCIDENTS.small, 0, HISTORY),
  ]
  const history = report(0, HISTORY, past, drawGaps(random, 0, HISTORY, []))
  const week = (size: Size, nuisances: readonly Change[]) => {
    const under = (minute: number) =>
      nuisances.reduce((c, change) => changed(c, change, minute), usual(minute))
    const happened = incidents(size, INCIDENTS, HISTORY, MINUTES, under)
    const calm = nuisances.filter((nuisance) => !isOddWithin(nuisance, happened))
    const gaps = drawGaps(random, HISTORY, MINUTES, happened)
    const reported = (share: number): JudgedWeek => ({
      rows: report(HISTORY, MINUTES, [...calm, ...happened], gaps, share),
      incidents: happened.filter((change) => share === 1 || isProvable(change, under, share)),
      nuisances: calm,
    })
    return { whole: reported(1), tenth: reported(0.1) }
  }
  const large = week('large', [])
  const small = week('small', drawNuisances(random, HISTORY, MINUTES, firstMinute))
  const tenth = { large: large.tenth, small: small.tenth }
  return { gateway: name, seed, startMs, history, large: large.whole, small: small.whole, tenth }
}

function drawRows(
  random: Random,
  from: number,
  to: number,
  dispersion: number,
  conditionAt: (minute: number) => Condition | null,
  startMs: number,
): Row[] {
  const rows: Row[] = []
  for (let minute = from; minute < to; minute++) {
    const condition = conditionAt(minute)
    if (condition) rows.push(drawRow(random, condition, dispersion, startMs + minute * MINUTE_MS))
  }
  return rows
}

/** Stretches without data, one or two a week, away from what is to be found. */
function drawGaps(random: Random, from: number, to: number, avoid: readonly Change[]): Change[] {
  const count = Math.round((to - from) / WEEK) + random.integer(2)
  return Array.from({ length: count }, () => {
    const start = from + random.integer(to - from - 120)
    return { start, end: start + 5 + random.integer(100) } as Change
  }).filter((gap) => !avoid.some(({ start, end }) => gap.start < end + 30 && gap.end > start - 30))
}

/** An odd minute within an incident would be part of it. */
function isOddWithin(nuisance: Change, incidents: readonly Change[]): boolean {
  if (nuisance.name !== 'odd minute') return false
  return incidents.some(({ start, end }) => nuisance.start < end + 30 && nuisance.start > start - 30)
}
