import { runInPool } from '../detection/pool.js'
import { ALL, CONTENDERS, figuresOfSets, SERVICE, type SetFigures } from './figures.js'
import type { JudgedSeries } from './judge-series.js'
import { readFolder } from './read-folder.js'
import { REFERENCES } from './references.js'
import type { Series } from './series.js'

const HEAD = ['windows', 'found', 'false', 'false/day', 'F1', 'NAB']
const WIDTH = 10

/**
 * Judges the labelled series of a folder, prints the figures, and says on stderr how far it is.
 * @returns the exit code: 0, 1 if the service is not better than each reference on each set, 2 if a file cannot be read
 */
export async function judgeFolder(folder: string, json: boolean): Promise<number> {
  let all: Series[]
  try {
    all = readFolder(folder)
    if (all.length === 0) throw new Error(`${folder} contains no .csv or .csv.gz.`)
  } catch (error) {
    console.error((error as Error).message)
    return 2
  }
  const longestFirst = [...all].sort((a, b) => b.values.length - a.values.length)
  const url = new URL('./judge-thread.js', import.meta.url)
  let done = 0
  const judged = await runInPool<Series, JudgedSeries>(longestFirst, url, ({ series }) => {
    console.error(`${++done}/${all.length} ${series.name}`)
  })
  const sets = figuresOfSets(judged.sort((a, b) => (a.series.name < b.series.name ? -1 : 1)))
  if (json) console.log(JSON.stringify({ sets }, null, 2))
  else sets.forEach(printSet)
  return sets.some((each) => lostTo(each).length > 0) ? 1 : 0
}

/** The references that the service is not better than, with the figure. A set without windows decides nothing. */
function lostTo({ set, contenders }: SetFigures): string[] {
  const ours = contenders[SERVICE]!
  if (set === ALL || ours.windows === 0) return []
  return Object.keys(REFERENCES).flatMap((name) => {
    const { f1, nab } = contenders[name]!
    return [...(f1 >= ours.f1 ? [`${name} in F1`] : []), ...(nab >= ours.nab ? [`${name} in NAB`] : [])]
  })
}

function printSet(figures: SetFigures): void {
  const { set, contenders } = figures
  console.log(`\n${set}`)
  printLine(['', ...HEAD])
  for (const name of CONTENDERS) {
    const { windows, found, falseAlarms, days, f1, nab } = contenders[name]!
    const known = (value: number, digits: number) => (Number.isNaN(value) ? '' : value.toFixed(digits))
    printLine([
      name,
      ...[windows, found, falseAlarms].map(String),
      (falseAlarms / days).toFixed(3),
      known(f1, 3),
      known(nab, 1),
    ])
  }
  const lost = lostTo(figures)
  if (lost.length > 0) console.log(`not better than ${lost.join(', ')}`)
}

function printLine(cells: readonly string[]): void {
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(14) : cell.padStart(WIDTH))).join(''))
}
