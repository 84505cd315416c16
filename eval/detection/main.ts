import { writeFileSync } from 'node:fs'
import { FAMILIAR, GATEWAYS, QUIET_NIGHTS } from './gateways/index.js'
import { ROW_LENGTHS } from './judge-rows.js'
import { STREAM } from './judge-world.js'
import { cellsOfKinds } from './kinds-of-gateways.js'
import { judgeAll, unfamiliarSeeds, type Task } from './pool.js'
import { printReliability, printSection } from './print.js'
import { reliabilityOf } from './reliability.js'
import { reportOf } from './report.js'
import { sectionsOf } from './sections.js'
import { misses } from './targets.js'
import { printVerbose } from './verbose.js'
import { drawWeek } from './week-picture.js'
import { readOptions } from '../options.js'
import { judgeFolder } from '../series/judge-folder.js'

const help = `Usage: npm run eval -- [--seeds 6] [--first 1] [--gateways office-hours,little-traffic]
                        [--verbose] [--svg FILE] [--report FILE]
       npm run eval -- --series DIR [--json]

Draws gateways of each kind: two weeks of history with unlabelled incidents, and a week to judge with labelled incidents.

  --seeds N         number of gateways of each kind (default: 6); a third of it of unfamiliar kinds
  --first N         first seed (default: 1)
  --gateways LIST   kinds of gateways, separated by commas (default: all)
                    ${[...GATEWAYS.keys()].join(', ')}
  --verbose         list every missed incident and every false alarm
  --svg FILE        draw a week of the first gateway
  --report FILE     write the figures as Markdown
  --series DIR      judge the labelled series of a folder instead, day by day, beside simple detectors:
                    .csv or .csv.gz with time, value and label, named SET.NAME.csv; see docs/detection.md
  --json            print the figures of the series as JSON

Exit codes: 0 success, 1 a target is missed, 2 usage, or a file of --series cannot be read.`

const MAX_KINDS_IN_SECONDS = 2

const { values } = readOptions(help, {
  seeds: { type: 'string', default: '6' },
  first: { type: 'string', default: '1' },
  gateways: { type: 'string', default: [...GATEWAYS.keys()].join(',') },
  verbose: { type: 'boolean', default: false },
  svg: { type: 'string' },
  report: { type: 'string' },
  series: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
})

/** The first gateway of each kind in rows of other lengths; a few kinds in rows of seconds, which are many. */
function otherLengths(gateways: readonly string[], seed: number): Task[] {
  return [...ROW_LENGTHS.keys()].flatMap((rowSeconds) => {
    const isQuiet = (name: string) => name === QUIET_NIGHTS
    const drawn = gateways.filter((name) =>
      rowSeconds === 60 ? isQuiet(name) : rowSeconds > 60 || !isQuiet(name),
    )
    const some = rowSeconds < 60 ? drawn.slice(0, MAX_KINDS_IN_SECONDS) : drawn
    return some.map((gateway) => ({ gateway, seed, rowSeconds }))
  })
}

function usage(message: string): number {
  console.error(`${message}\n\n${help}`)
  return 2
}

async function main(): Promise<number> {
  if (values.help) {
    console.log(help)
    return 0
  }
  if (values.series !== undefined) return judgeFolder(values.series, values.json)
  if (values.json) return usage('--json needs --series.')
  const [nSeeds, first] = [Number(values.seeds), Number(values.first)]
  const gateways = values.gateways.split(',')
  const unknown = gateways.filter((name) => !GATEWAYS.has(name))
  if (!Number.isSafeInteger(nSeeds) || nSeeds < 1 || !Number.isSafeInteger(first)) {
    return usage('--seeds and --first must be whole numbers.')
  }
  if (unknown.length > 0) return usage(`--gateways: ${unknown.join(', ')} is no known kind.`)
  const tasks = Array.from({ length: nSeeds }, (_, i) =>
    gateways
      .filter((name) => name !== QUIET_NIGHTS)
      .filter((name) => FAMILIAR.has(name) || i < unfamiliarSeeds(nSeeds))
      .map((gateway) => ({ gateway, seed: first + i })),
  ).flat()
  const results = await judgeAll([
    ...tasks,
    ...otherLengths(
      gateways.filter((name) => FAMILIAR.has(name)),
      first,
    ),
  ])
  if (values.verbose) printVerbose(results)
  const sections = sectionsOf(results)
  const kinds = cellsOfKinds(results)
  for (const section of sections) printSection(section)
  const bins = reliabilityOf(results.filter(({ contender }) => contender === STREAM))
  printReliability('Confidence of anomalous minutes, stream', bins)
  console.log('\nUnfamiliar kinds, the hardest first')
  for (const cells of kinds) console.log(cells.map((cell) => cell.padEnd(22)).join(''))
  if (values.svg) writeFileSync(values.svg, drawWeek(gateways[0]!, first))
  if (values.report)
    writeFileSync(values.report, reportOf(sections, bins, kinds, { gateways, nSeeds, first }))
  return sections.some((section) => misses(section).length > 0) ? 1 : 0
}

process.exitCode = await main()
