import { quantile } from '../../models/statistics/quantile.js'
import type { GatewayJudgement } from './judge-gateway.js'
import type { Judgement } from './judge.js'
import type { ProgramsFound } from './programs.js'

/** A figure of merit with its target and the direction in which it gets worse. */
interface Figure<T = Judgement> {
  readonly title: string
  readonly of: (judgement: T) => number
  readonly target?: number
  readonly atLeast: boolean
}

export const FIGURES: readonly Figure[] = [
  { title: 'legitimate requests rejected', of: (j) => j.legitimateRejected, target: 0.001, atLeast: false },
  {
    title: 'legitimate clients affected',
    of: (j) => j.legitimateClientsAffected,
    target: 0.01,
    atLeast: false,
  },
  { title: 'flood requests stopped', of: (j) => j.floodsStopped, target: 0.93, atLeast: true },
  { title: 'scraper requests stopped', of: (j) => j.scrapersStopped, target: 0.6, atLeast: true },
  { title: 'movement of the limit', of: (j) => j.movement, target: 0.15, atLeast: false },
  { title: 'movement of the hour', of: (j) => j.longMovement, atLeast: false },
]
/** Of all limits of clients together, over a whole gateway. */
const GATEWAY_FIGURES: readonly Figure<GatewayJudgement>[] = [
  { title: 'together: legitimate rejected', of: (j) => j.legitimateRejected, target: 0.0005, atLeast: false },
  {
    title: 'together: clients affected',
    of: (j) => j.legitimateClientsAffected,
    target: 0.01,
    atLeast: false,
  },
  { title: 'together: floods stopped', of: (j) => j.floodsStopped, target: 0.98, atLeast: true },
  { title: 'together: scrapers stopped', of: (j) => j.scrapersStopped, target: 0.9, atLeast: true },
  { title: 'together: scans stopped', of: (j) => j.scansStopped, target: 0.95, atLeast: true },
]

const widths = [31, 9, 9, 9, 9, 8, 8]

/** Prints, for each contender: mean, median, worst decile, worst world, and how many worlds meet the target. */
export function printFigures(found: ReadonlyMap<string, readonly Judgement[]>): void {
  for (const [name, judgements] of found) {
    console.log(`\n${name}, ${judgements.length} worlds`)
    printLine(['', 'mean', 'median', 'worst 10', 'worst', 'target', 'met'])
    for (const figure of FIGURES) printFigure(figure, judgements)
  }
}

/** Prints the same figures of gateways, of all limits of clients together. */
export function printGateways(found: ReadonlyMap<string, readonly GatewayJudgement[]>): void {
  for (const [name, judgements] of found) {
    console.log(`\n${name}, ${judgements.length} gateways`)
    printLine(['', 'mean', 'median', 'worst 10', 'worst', 'target', 'met'])
    for (const figure of GATEWAY_FIGURES) printFigure(figure, judgements)
  }
}

function printFigure<T>(figure: Figure<T>, judgements: readonly T[]): void {
  const { title, of, target, atLeast } = figure
  const all = judgements.map(of).filter((value) => !Number.isNaN(value))
  if (all.length === 0) return printLine([title, 'none'])
  const worse = (p: number) => quantile(all, atLeast ? 1 - p : p)
  const met =
    target === undefined
      ? ''
      : `${all.filter((value) => (atLeast ? value >= target : value <= target)).length}/${all.length}`
  printLine([
    title,
    ...[meanOf(figure, judgements), worse(0.5), worse(0.9), worse(1)].map(percent),
    targetText(figure),
    met,
  ])
}

/** The target as it is printed; empty where there is none. */
export function targetText({ target, atLeast }: Pick<Figure, 'target' | 'atLeast'>): string {
  return target === undefined ? '' : `${atLeast ? '≥' : '≤'} ${100 * target} %`
}

/** Prints the worlds with legitimate programs: what the limit rejects, and whether the recommendation warns. */
export function printPrograms(found: readonly ProgramsFound[]): void {
  console.log('\nrecommended, where programs are legitimate')
  printLine(['', 'limit', 'rejected', 'conf.', 'warns'])
  for (const { name, limit, legitimateRejected, confidence, warned } of found) {
    printLine([name, `${limit}`, percent(legitimateRejected), `${confidence}`, warned ? 'yes' : 'no'])
  }
}

/** The mean over the worlds where the figure is defined; NaN if there are none. */
function meanOf<T>({ of }: Pick<Figure<T>, 'of'>, judgements: readonly T[]): number {
  const all = judgements.map(of).filter((value) => !Number.isNaN(value))
  return all.reduce((sum, value) => sum + value, 0) / all.length
}

/** The figures whose target the mean over all worlds misses, by title. */
export function missedTargets(judgements: readonly Judgement[]): string[] {
  return missedOf(FIGURES, judgements)
}

/** The same over the whole gateway. */
export function missedGatewayTargets(judgements: readonly GatewayJudgement[]): string[] {
  return missedOf(GATEWAY_FIGURES, judgements)
}

function missedOf<T>(figures: readonly Figure<T>[], judgements: readonly T[]): string[] {
  return figures
    .filter((figure) => {
      const { target, atLeast } = figure
      if (target === undefined) return false
      const mean = meanOf(figure, judgements)
      return atLeast ? mean < target : mean > target
    })
    .map(({ title }) => title)
}

function percent(share: number): string {
  return `${(100 * share).toFixed(3)} %`
}

function printLine(cells: readonly string[]): void {
  console.log(
    cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]! + 2))).join(''),
  )
}
