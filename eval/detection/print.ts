import type { Figures } from './figures.js'
import type { ReliabilityBin } from './reliability.js'
import { MIN_INCIDENTS, misses, TARGETS, type Scenario } from './targets.js'

const WIDTHS = [15, 10, 8, 10, 7, 15, 9, 7, 7, 8]
const HEAD = ['', 'incidents', 'recall', 'precision', 'F1', '95 %', 'false/day', 'type', 'delay', 'av.prec.']

export interface Section {
  readonly scenario: Scenario
  /** The contenders. The targets apply to the first. */
  readonly rows: readonly (readonly [string, Figures])[]
}

/** A section as lines of cells: header, contenders, targets, missed targets. */
export function cellsOf({ scenario, rows }: Section): string[][] {
  const target = TARGETS[scenario]
  const limit = (key: keyof typeof target, sign: string) =>
    target[key] === undefined ? '' : `${sign} ${target[key]}`
  const cells = [HEAD, ...rows.map(([name, figures]) => [name, ...figureCells(figures)])]
  if (Object.keys(target).length === 0) return cells
  const toReach = [
    'to reach',
    `≥ ${MIN_INCIDENTS}`,
    '',
    '',
    limit('f1', '≥'),
    '',
    limit('falseAlarmsADay', '≤'),
    limit('typeAccuracy', '≥'),
    limit('delay', '≤'),
    limit('averagePrecision', '≥'),
  ]
  return [...cells, toReach]
}

function figureCells(figures: Figures): string[] {
  const { incidents, recall, precision, f1, f1Interval, falseAlarmsADay, typeAccuracy, delay } = figures
  return [
    String(incidents),
    ...[recall, precision, f1].map(share),
    f1Interval.map(share).join('–'),
    falseAlarmsADay.toFixed(3),
    Number.isNaN(typeAccuracy) ? '' : share(typeAccuracy),
    Number.isNaN(delay) ? '' : String(Number(delay.toFixed(1))),
    share(figures.averagePrecision),
  ]
}

export function printSection(section: Section): void {
  console.log(`\n${section.scenario}`)
  for (const cells of cellsOf(section)) printLine(cells)
  const missed = misses(section)
  if (missed.length > 0) console.log(`missed: ${missed.join(', ')}`)
}

export function reliabilityCells(bins: readonly ReliabilityBin[]): string[][] {
  return [
    ['confidence', 'minutes', 'mean', 'right'],
    ...bins.map(({ from, to, minutes, meanConfidence, right }) => [
      `${from}–${to}`,
      String(minutes),
      share(meanConfidence),
      share(right),
    ]),
  ]
}

export function printReliability(title: string, bins: readonly ReliabilityBin[]): void {
  console.log(`\n${title}`)
  for (const cells of reliabilityCells(bins)) printLine(cells)
}

function share(value: number): string {
  return value.toFixed(3)
}

function printLine(cells: readonly string[]): void {
  console.log(
    cells.map((cell, i) => (i === 0 ? cell.padEnd(WIDTHS[i]!) : cell.padStart(WIDTHS[i]! + 1))).join(''),
  )
}
