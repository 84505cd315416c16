import { quantile } from '../../models/statistics/quantile.js'
import type { GatewayResult } from './judge-gateway.js'
import type { FoundIncident } from './score.js'

/** What was measured on gateways of one size and make. */
export interface Figures {
  readonly name: string
  readonly nEndpoints: number
  readonly nGateways: number
  readonly incidents: number
  readonly found: number
  readonly rightFirst: number
  readonly medianDelay: number
  readonly falsePerDay: number
  /** Outages of a whole gateway that were found, and of these the ones that were one incident. */
  readonly outages: number
  readonly singleOutages: number
  /** CPU: ms to fit an endpoint, s to calibrate, ms of a round, and of its slices: all but one in a thousand, and the longest. */
  readonly fitMs: number
  readonly calibrateSeconds: number
  readonly roundMs: number
  readonly usualSliceMs: number
  readonly sliceMs: number
}

/** From this number of endpoints on, twice as many false incidents are accepted. */
const MANY = 300

export function figuresOf(results: readonly GatewayResult[]): Figures {
  const incidents = results.flatMap((result) => result.incidents)
  const days = results.reduce((sum, result) => sum + result.days, 0)
  const mean = (of: (result: GatewayResult) => number) =>
    results.reduce((sum, result) => sum + of(result) / results.length, 0)
  const delays = incidents.flatMap(({ delayMinutes }) => (delayMinutes === null ? [] : [delayMinutes]))
  return {
    name: nameOf(results[0]!.options),
    nEndpoints: results[0]!.options.nEndpoints,
    nGateways: results.length,
    incidents: incidents.length,
    found: delays.length,
    rightFirst: incidents.filter(({ isRightFirst }) => isRightFirst).length,
    medianDelay: delays.length > 0 ? quantile(delays, 0.5) : NaN,
    falsePerDay: results.reduce((sum, result) => sum + result.falseIncidents.length, 0) / days,
    outages: results.filter(({ outage }) => outage.length > 0).length,
    singleOutages: results.filter(({ outage }) => outage.length === 1).length,
    fitMs: 1000 * mean(({ costs }) => costs.fitPerEndpoint),
    calibrateSeconds: mean(({ costs }) => costs.calibrate),
    roundMs: 1000 * mean(({ costs }) => costs.round),
    usualSliceMs: 1000 * Math.max(...results.map(({ costs }) => costs.usualSlice)),
    sliceMs: 1000 * Math.max(...results.map(({ costs }) => costs.longestSlice)),
  }
}

/** In words. */
function nameOf({ nEndpoints, make, historyMinutes, isScan }: GatewayResult['options']): string {
  const history = historyMinutes < 1440 ? 'after an hour of history' : ''
  return [`${nEndpoints} endpoints`, make, history, isScan ? 'scan of the history' : '']
    .filter((part) => part !== '')
    .join(', ')
}

/** The targets that are missed, in words. */
export function misses({
  nEndpoints,
  incidents,
  found,
  rightFirst,
  medianDelay,
  falsePerDay,
}: Figures): string[] {
  const accepted = nEndpoints >= MANY ? 0.3 : 0.15
  const targets: readonly (readonly [boolean, string])[] = [
    [found >= 0.95 * incidents, 'found: 95 %'],
    [rightFirst >= 0.95 * incidents, 'right endpoint first: 95 %'],
    [medianDelay <= 2, 'median delay: 2 minutes'],
    [falsePerDay <= accepted, `false incidents: ${accepted} a day`],
  ]
  return targets.filter(([isReached]) => !isReached).map(([, target]) => target)
}

export function printFigures(figures: Figures): void {
  const { nGateways, incidents, found, rightFirst, medianDelay, falsePerDay } = figures
  const share = (count: number) => `${((100 * count) / incidents).toFixed(1)} % (${count} of ${incidents})`
  const lines: readonly (readonly [string, string])[] = [
    ['incidents found', share(found)],
    ['right endpoint first', share(rightFirst)],
    ['median delay', `${medianDelay.toFixed(1)} minutes after the end of the first bad minute`],
    ['false incidents', `${falsePerDay.toFixed(3)} a day for the whole gateway`],
    ['outages found', `${figures.outages} of ${nGateways}, ${figures.singleOutages} as one incident`],
    ['fit', `${figures.fitMs.toFixed(0)} ms for an endpoint, then ${figures.calibrateSeconds.toFixed(1)} s`],
    [
      'round',
      `${figures.roundMs.toFixed(2)} ms, slices up to ${figures.usualSliceMs.toFixed(1)} ms but one in a thousand, ${figures.sliceMs.toFixed(1)} ms at most`,
    ],
  ]
  console.log(`\n${nGateways} ${nGateways === 1 ? 'gateway' : 'gateways'}, ${figures.name}`)
  for (const [name, value] of lines) console.log(`  ${name.padEnd(22)}${value}`)
  for (const missed of misses(figures)) console.log(`  MISSED  ${missed}`)
}

/** Every incident that was missed, late or wrong, and every false one. */
export function printVerbose(results: readonly GatewayResult[]): void {
  for (const { options, incidents, falseIncidents, mondayMs } of results) {
    const name = `${nameOf(options)}, seed ${options.seed}`
    const at = (timeMs: number) => ((timeMs - mondayMs) / 86_400_000).toFixed(3)
    for (const { truth, found, isRightFirst, delayMinutes } of incidents) {
      if (isRightFirst && found.length === 1 && delayMinutes !== null && delayMinutes <= LATE) continue
      const amount = `traffic ×${truth.traffic.toFixed(2)} latency ×${truth.latency.toFixed(2)} errors +${truth.errors.toFixed(2)}`
      const what = `${truth.name} ${truth.endpoint}, ${truth.end - truth.start} min, ${amount}`
      const first = found[0]?.incident.endpoints[0]?.endpoint ?? 'nothing'
      const day = (truth.start / 1440).toFixed(3)
      console.log(`${name}: day ${day} ${what}: ${found.length} found, first ${first}, delay ${delayMinutes}`)
    }
    for (const each of falseIncidents)
      console.log(`${name}: day ${at(each.openedMs)} FALSE ${describe(each)}`)
  }
}

const LATE = 5

function describe({ incident }: FoundIncident): string {
  const { series, type, severity, explanation } = incident
  return `${series.kind} ${series.name} ${type} ${severity}: ${explanation}`
}
