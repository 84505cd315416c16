import t from 'tap'
import type { Judgement } from '../../eval/limits/judge.js'
import { missedTargets } from '../../eval/limits/print.js'

const good: Judgement = {
  ...{ legitimateRejected: 0, legitimateClientsAffected: 0, floodsStopped: 0.99, scrapersStopped: NaN },
  ...{ movement: 0.1, longMovement: 9, rule: { limit: 10, burst: 10, windowMs: 60_000 } },
}

t.test('a target is missed when the mean over the worlds misses it', async (t) => {
  t.same(missedTargets([good]), [])
  t.same(missedTargets([good, { ...good, movement: 0.19 }]), [], 'one world may')
  t.same(missedTargets([good, { ...good, movement: 0.3 }]), ['movement of the limit'])
  const scraped = { ...good, scrapersStopped: 0.59, legitimateRejected: 0.003 }
  t.same(missedTargets([good, scraped]), ['legitimate requests rejected', 'scraper requests stopped'])
})
