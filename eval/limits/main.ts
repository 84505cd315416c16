import { parseArgs } from 'node:util'
import { createRandom } from '../../models/statistics/random.js'
import { quantile } from '../../models/statistics/quantile.js'
import { CONTENDERS } from './contenders.js'
import { judge, type Judgement } from './judge.js'
import { drawShape } from './shape.js'
import { drawWeeks } from './weeks.js'

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '20' }, first: { type: 'string', default: '1' }, verbose: { type: 'boolean', default: false } },
})
const nSeeds = Number(values.seeds)
const first = Number(values.first)
const found = new Map<string, Judgement[]>(CONTENDERS.map(({ name }) => [name, []]))
for (let seed = first; seed < first + nSeeds; seed++) {
  const weeks = drawWeeks(drawShape(createRandom(seed)), seed)
  for (const contender of CONTENDERS) {
    const j = judge(contender, weeks)
    found.get(contender.name)!.push(j)
    if (values.verbose && contender.name === 'recommended')
      console.log(seed, ...[j.honestRejected,j.honestClientsTouched,j.floodsStopped,j.scrapersStopped,j.movement,j.longMovement].map((x) => (100*x).toFixed(3).padStart(8)), JSON.stringify(j.rule))
  }
}
const figures = ['honestRejected', 'honestClientsTouched', 'floodsStopped', 'scrapersStopped', 'movement', 'longMovement'] as const
for (const [name, judgements] of found) {
  console.log(name)
  for (const figure of figures) {
    const all = judgements.map((judgement) => judgement[figure]).filter((x) => !Number.isNaN(x))
    if (all.length === 0) continue
    console.log('  ', figure.padEnd(22), [0, 0.1, 0.5, 0.9, 1].map((p) => (100 * quantile(all, p)).toFixed(3).padStart(9)).join(' '), ` mean ${(100 * all.reduce((a, b) => a + b, 0) / all.length).toFixed(3)}`)
  }
}
