import type { Random } from '../../models/statistics/random.js'
import type { Change } from './change.js'
import { WEEK } from './gateways/gateway.js'
import { countIn, drawIncidents, type Size } from './incidents.js'
import type { Condition, Row } from './minutes.js'
import { drawNuisances } from './nuisances.js'
import { isProvable } from './provable.js'
import { changedBy, simulateGateway, type SimulatedGateway, type Stretch } from './simulated-gateway.js'

const HISTORY: Stretch = { start: 0, end: 2 * WEEK }
const JUDGED: Stretch = { start: 2 * WEEK, end: 3 * WEEK }

/** Labelled incidents of a judged week; and unlabelled ones in two weeks of history, about 4 % of its minutes. */
const INCIDENTS = 8
const HISTORY_INCIDENTS = { large: 14, small: 9 }
const UNFAMILIAR_INCIDENTS = 4

/** Minutes around an incident without gaps and outliers, which would hide it or become part of it. */
const CLEAR = 30

/** A week to judge: the reports and the true changes. */
export interface JudgedWeek {
  readonly rows: readonly Row[]
  readonly incidents: readonly Change[]
  readonly nuisances: readonly Change[]
}

/** A gateway of one kind and seed: its history, and variants of the third week with different changes. */
export interface World {
  readonly gateway: string
  readonly seed: number
  /** Length of a row. */
  readonly rowSeconds: number
  /** Time of minute 0 of every change. */
  readonly startMs: number
  readonly history: readonly Row[]
  readonly large: JudgedWeek
  readonly small: JudgedWeek
  /** The same weeks of a source with a tenth of the traffic, without the incidents that it cannot show. */
  readonly tenth: Readonly<Record<Size, JudgedWeek>>
}

/**
 * @param rowSeconds length of a row; incidents in longer rows last longer
 * @throws RangeError when there is no such gateway
 */
export function drawWorld(name: string, seed: number, rowSeconds = 60): World {
  const gateway = simulateGateway(name, seed, JUDGED.end)
  const { random, startMs, firstMinute } = gateway
  const history = drawHistory(gateway, rowSeconds)
  const large = drawWeek(gateway, 'large', [], rowSeconds)
  const nuisances = drawNuisances(random, JUDGED.start, JUDGED.end, firstMinute)
  const small = drawWeek(gateway, 'small', nuisances, rowSeconds)
  const tenth = { large: large.tenth, small: small.tenth }
  return { gateway: name, seed, rowSeconds, startMs, history, large: large.whole, small: small.whole, tenth }
}

/** A gateway of an unfamiliar kind: two incidents in each week of history, and a judged week of large ones. */
export interface UnfamiliarWorld extends Pick<World, 'gateway' | 'seed' | 'startMs' | 'history'> {
  readonly week: JudgedWeek
}

/** @throws RangeError when there is no such gateway */
export function drawUnfamiliarWorld(name: string, seed: number): UnfamiliarWorld {
  const { random, startMs, usual, report } = simulateGateway(name, seed, JUDGED.end)
  const isShown = (change: Change) => isProvable(change, usual, 1)
  const large = { size: 'large' as const, rowSeconds: 60 }
  const before = drawIncidents(random, { ...large, count: UNFAMILIAR_INCIDENTS, ...HISTORY }, isShown)
  const history = report({ ...HISTORY, changes: before, gaps: [], share: 1 })
  const incidents = drawIncidents(random, { ...large, count: INCIDENTS, ...JUDGED }, isShown)
  const rows = report({ ...JUDGED, changes: incidents, gaps: [], share: 1 })
  return { gateway: name, seed, startMs, history, week: { rows, incidents, nuisances: [] } }
}

function drawHistory({ random, omitsEmptyRows, usual, report }: SimulatedGateway, rowSeconds: number): Row[] {
  const changes = (['large', 'small'] as const).flatMap((size) =>
    drawIncidents(
      random,
      { size, count: countIn(rowSeconds, size, HISTORY_INCIDENTS[size]), ...HISTORY, rowSeconds },
      (change) => isProvable(change, usual, 1),
    ),
  )
  const rows = report({ ...HISTORY, changes, gaps: drawGaps(random, HISTORY), share: 1, rowSeconds })
  return omitsEmptyRows ? rows.filter((row) => row.requests_per_second > 0) : rows
}

/** The judged week as reported by the whole gateway and by a tenth of it. */
function drawWeek(
  { random, usual, report }: SimulatedGateway,
  size: Size,
  nuisances: readonly Change[],
  rowSeconds: number,
): { whole: JudgedWeek; tenth: JudgedWeek } {
  const calm = (minute: number): Condition => changedBy(usual(minute), nuisances, minute)
  const isShown = (share: number) => (change: Change) => isProvable(change, calm, share)
  const incidents = drawIncidents(random, { size, count: INCIDENTS, ...JUDGED, rowSeconds }, isShown(1))
  const isClear = ({ start, end }: Stretch) =>
    !incidents.some((each) => start < each.end + CLEAR && end > each.start - CLEAR)
  const kept = nuisances.filter((each) => each.name !== 'odd minute' || isClear(each))
  const gaps = drawGaps(random, JUDGED).filter(isClear)
  const reported = (share: number): JudgedWeek => ({
    rows: report({ ...JUDGED, changes: [...kept, ...incidents], gaps, share, rowSeconds }),
    incidents: share === 1 ? incidents : incidents.filter(isShown(share)),
    nuisances: kept,
  })
  return { whole: reported(1), tenth: reported(0.1) }
}

/** Gaps without data, one or two per week. */
function drawGaps(random: Random, { start, end }: Stretch): Stretch[] {
  const count = Math.round((end - start) / WEEK) + random.integer(2)
  return Array.from({ length: count }, () => {
    const from = start + random.integer(end - start - 120)
    return { start: from, end: from + 5 + random.integer(100) }
  })
}
