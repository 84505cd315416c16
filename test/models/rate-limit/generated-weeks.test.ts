import t from 'tap'
import { RECOMMENDED } from '../../../eval/limits/contenders.js'
import { judge, type Judgement } from '../../../eval/limits/judge.js'
import { drawShape } from '../../../eval/limits/shape.js'
import { drawWeeks } from '../../../eval/limits/weeks.js'
import { createRandom } from '../../../models/statistics/random.js'

/** A small `npm run eval:limits`: worlds that the evaluation does not draw, of a middling size. */
const SEEDS = [1001, 1002, 1003, 1004]

const judgements = SEEDS.map((seed): Judgement => {
  const shape = drawShape(createRandom(seed))
  const requestsADay = shape.visitsPerDay * shape.pages * shape.pageRequests
  const weeks = drawWeeks(
    { ...shape, clients: Math.min(shape.clients, Math.ceil(3000 / requestsADay)) },
    seed,
  )
  return judge(RECOMMENDED, weeks)
})
const mean = (of: (judgement: Judgement) => number): number => {
  const all = judgements.map(of).filter((value) => !Number.isNaN(value))
  return all.reduce((sum, value) => sum + value, 0) / all.length
}

t.test('fitted on two weeks, replayed on the third: those who behave are let alone', async (t) => {
  t.ok(mean((judgement) => judgement.legitimateRejected) <= 0.001)
  t.ok(mean((judgement) => judgement.legitimateClientsAffected) <= 0.01)
})

t.test('floods are stopped, and scrapers by the longer window', async (t) => {
  t.ok(mean((judgement) => judgement.floodsStopped) >= 0.93)
  t.ok(mean((judgement) => judgement.scrapersStopped) >= 0.6)
})

t.test('the limit hardly moves from week to week', async (t) => {
  t.ok(mean((judgement) => judgement.movement) <= 0.15)
})

t.test('no single world is far from it', async (t) => {
  for (const {
    legitimateRejected,
    legitimateClientsAffected,
    floodsStopped,
    scrapersStopped,
    movement,
  } of judgements) {
    t.ok(legitimateRejected <= 0.003, `${legitimateRejected}`)
    t.ok(legitimateClientsAffected <= 0.03, `${legitimateClientsAffected}`)
    t.ok(floodsStopped >= 0.85, `${floodsStopped}`)
    t.ok(!(scrapersStopped < 0.5), `${scrapersStopped}`)
    t.ok(movement <= 0.3, `${movement}`)
  }
})
