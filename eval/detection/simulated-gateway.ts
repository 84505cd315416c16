import { createRandom, type Random } from '../../models/statistics/random.js'
import { changed, type Change } from './change.js'
import { drawDrift } from './drift.js'
import { DAY } from './gateways/gateway.js'
import { GATEWAYS } from './gateways/index.js'
import { latencyShape } from './latency-shape.js'
import { drawRow, type Condition, type Row } from './minutes.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'

/** A Monday. */
const EPOCH_MS = Date.UTC(2025, 2, 3)

/** Minutes since the start of the history, the end excluded. */
export interface Stretch {
  readonly start: number
  readonly end: number
}

export interface Report extends Stretch {
  readonly changes: readonly Change[]
  /** Minutes without reports. */
  readonly gaps: readonly Stretch[]
  /** Of the traffic. */
  readonly share: number
  /** Length of a row; 60 when left out. */
  readonly rowSeconds?: number
}

/** A gateway with its drifting levels and its random source. */
export interface SimulatedGateway {
  readonly random: Random
  /** Minutes from a Monday, 00:00, to the start of the history. */
  readonly firstMinute: number
  readonly startMs: number
  /** The history has no rows without requests. */
  readonly omitsEmptyRows: boolean
  /** The condition of a minute without changes. */
  readonly usual: (minute: number) => Condition
  /** Draws the rows of a time range with changes. */
  readonly report: (report: Report) => Row[]
}

/** @throws RangeError when there is no such gateway */
export function simulateGateway(name: string, seed: number, minutes: number): SimulatedGateway {
  const draw = GATEWAYS.get(name)
  if (!draw)
    throw new RangeError(`No gateway is called ${name}; there are ${[...GATEWAYS.keys()].join(', ')}.`)
  const random = createRandom(seed * 1000 + [...GATEWAYS.keys()].indexOf(name))
  const firstMinute = random.integer(7) * DAY
  const startMs = EPOCH_MS + firstMinute * MINUTE_MS
  const { mix, dispersion, omitsEmptyRows = false, truth } = draw(random, firstMinute)
  const shape = latencyShape(mix)
  const drift = drawDrift(random, minutes)
  const usual = (minute: number): Condition => {
    const { requestsPerMinute, medianMs, errorShare } = truth(firstMinute + minute)
    return {
      requestsPerMinute: requestsPerMinute * drift.traffic[minute]!,
      medianMs: medianMs * drift.latency[minute]!,
      errorShare: errorShare * drift.errors[minute]!,
      shape,
    }
  }
  const report = ({ start, end, changes, gaps, share, rowSeconds = 60 }: Report): Row[] => {
    const rows: Row[] = []
    const rowMinutes = rowSeconds / 60
    // The dispersion is that of a minute; more minutes even it out.
    const ofRow = dispersion / Math.sqrt(rowMinutes)
    for (let minute = start; minute < end; minute += rowMinutes) {
      if (gaps.some((gap) => minute >= gap.start && minute < gap.end)) continue
      const conditions = Array.from({ length: Math.ceil(rowMinutes) }, (_, i) => {
        const at = Math.floor(minute + 1e-6) + i
        return changedBy(usual(at), changes, at)
      })
      const condition = averageOf(conditions)
      const seen = { ...condition, requestsPerMinute: share * condition.requestsPerMinute }
      rows.push(drawRow(random, seen, ofRow, startMs + Math.round(minute * MINUTE_MS), rowSeconds))
    }
    return rows
  }
  return { random, firstMinute, startMs, omitsEmptyRows, usual, report }
}

/** The condition of some minutes together. */
function averageOf(conditions: readonly Condition[]): Condition {
  const [first] = conditions
  if (conditions.length === 1) return first!
  const requests = conditions.reduce((sum, each) => sum + each.requestsPerMinute, 0)
  const mean = (of: (each: Condition) => number) =>
    requests === 0
      ? of(first!)
      : conditions.reduce((sum, each) => sum + (each.requestsPerMinute / requests) * of(each), 0)
  return {
    requestsPerMinute: requests / conditions.length,
    medianMs: mean((each) => each.medianMs),
    errorShare: mean((each) => each.errorShare),
    shape: first!.shape,
  }
}

export function changedBy(condition: Condition, changes: readonly Change[], minute: number): Condition {
  return changes.reduce((before, change) => changed(before, change, minute), condition)
}
