import { FAMILIAR } from './gateways/index.js'
import { unfamiliarSeeds } from './pool.js'
import { cellsOf, reliabilityCells, type Section } from './print.js'
import type { ReliabilityBin } from './reliability.js'
import { misses } from './targets.js'

const INTRODUCTION = `# How well incidents are found

Written by \`npm run eval -- --report docs/detection-report.md\`. Every gateway is generated (\`eval/detection/gateways/\`):
two weeks to learn from, about 4 % of whose minutes lie in unlabelled incidents, and one week to judge. An incident counts
only if someone who knows exactly what is usual could see it in its requests, by eight standard deviations in all. An
alarm is a confirmed episode (of contenders without streams: a run of anomalous minutes); minutes up to five apart are one
alarm. It is false when it overlaps no incident, with a tolerance of 15 minutes after its end. F1 is of event recall and
precision of alarms, its interval from 1,000 bootstrap resamples of whole weeks. Type is the share of found incidents that
most minutes of the alarm name rightly, delay the median in minutes, average precision that of all minutes ranked by
normalized score. Precision depends on how rare incidents are: there are eight a week here.

Rows of other lengths are those of the first seed of each kind (of seconds, of two kinds). Their incidents last 2 to 6 rows
if large and 4 to 12 if small, where that is longer. A contender called alone judges each row by itself. The gateway of quiet nights has twenty
requests a minute by day and one in two minutes at night, and its history has no rows without requests. The source with a
tenth of the traffic idles for five minutes after its first request.`

const KINDS = `The kinds that detection was not built on, the hardest first.`

const CONFIDENCE = `How often a minute that was alarmed lies in an incident, by the confidence of its verdict. This too
depends on how rare incidents are.`

/** The figures as markdown. */
export function reportOf(
  sections: readonly Section[],
  bins: readonly ReliabilityBin[],
  kinds: readonly string[][],
  { gateways, nSeeds, first }: { gateways: readonly string[]; nSeeds: number; first: number },
): string {
  const familiar = gateways.filter((name) => FAMILIAR.has(name))
  const unfamiliar = gateways.length - familiar.length
  const last = first + nSeeds - 1
  const drawn = `There are ${gateways.length} kinds. Seeds ${first} to ${last} of ${familiar.join(', ')}. Seeds ${first} to ${first + unfamiliarSeeds(nSeeds) - 1} of ${unfamiliar} unfamiliar kinds, with two unlabelled incidents in each week of their history.`
  const parts = sections.map((section) => {
    const missed = misses(section)
    const verdict = missed.length > 0 ? `\n\nMissed: ${missed.join(', ')}.` : ''
    return `## ${section.scenario}\n\n${table(cellsOf(section))}${verdict}`
  })
  const reliability = `## Confidence\n\n${CONFIDENCE}\n\n${table(reliabilityCells(bins))}`
  const hardest = `## Unfamiliar kinds one by one\n\n${KINDS}\n\n${table(kinds)}`
  return `${[INTRODUCTION, drawn, ...parts, hardest, reliability].join('\n\n')}\n`
}

/** Pads as prettier does, so that the written file passes its check. */
function table(rows: readonly string[][]): string {
  const widths = rows[0]!.map((_, column) => Math.max(3, ...rows.map((cells) => cells[column]!.length)))
  const pad = (cell: string, column: number) =>
    column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)
  const line = (cells: readonly string[]) => `| ${cells.map(pad).join(' | ')} |`
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [line(rows[0]!), line(rule), ...rows.slice(1).map(line)].join('\n')
}
