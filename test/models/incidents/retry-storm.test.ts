import t from 'tap'
import { describeRetryStorm } from '../../../models/incidents/change.js'
import { findRetryStorm } from '../../../models/incidents/retry-storm.js'
import { createRandom } from '../../../models/statistics/random.js'
import { compared, simulate, type Behaviour } from './arrivals.js'

const usual = { clients: 50, every: 30, failing: 0.01, retryAfter: () => null }
const atOnce = (attempt: number) => 0.2 + 0.01 * attempt
const withBackoff = (attempt: number) => (attempt > 8 ? null : Math.min(60, 2 ** attempt))

/** Whether ten minutes of one behaviour after an hour of another are a storm, for several seeds. */
function storms(during: Partial<Behaviour>, before: Partial<Behaviour> = {}) {
  return [1, 2, 3, 4, 5].map((seed) => {
    const random = createRandom(seed)
    const hour = simulate({ ...usual, seconds: 3600, ...before }, random)
    return findRetryStorm(compared(hour, simulate({ ...usual, seconds: 600, ...during }, random)))
  })
}

t.test('clients that repeat what fails without waiting are a storm', (t) => {
  const found = storms({ failing: 0.9, retryAfter: atOnce })
  for (const storm of found) {
    t.ok(storm && storm.clients === 50 && storm.retries > 1000 && storm.share > 0.5 && storm.times > 2)
    t.ok(storm!.atMs < 60_000, 'it began with the first failures')
  }
  t.match(
    describeRetryStorm({ ...found[0]!, clients: 1234, retries: 5678, share: 0.814, times: 6.04 }).detail,
    '1,234 clients repeat failed requests without waiting: 5,678 requests (81 %) came within a second of a failure of the same client, at 6.0 times the usual rate of these clients.',
  )
  const few = storms({ clients: 3, failing: 1, retryAfter: () => 0.05 }, { clients: 3 })
  t.ok(
    few.every((storm) => storm?.clients === 3),
    'a few are enough',
  )
  t.end()
})

t.test('what is no storm', (t) => {
  const none: Record<string, readonly [Partial<Behaviour>, Partial<Behaviour>?]> = {
    'clients with a backoff': [{ failing: 0.9, retryAfter: withBackoff }],
    'clients that do not try again': [{ failing: 1 }],
    'nothing fails': [{ failing: 0, retryAfter: atOnce }],
    'programs that are always as fast': [{ every: 0.2, failing: 0.9 }, { every: 0.2 }],
    'a flood of the same clients, of which most fails': [{ every: 0.2, failing: 0.7 }],
    'a flood of clients that were not there': [{ first: 50, failing: 1, retryAfter: () => 0.05 }],
    'a few failures that are repeated': [{ failing: 0.05, retryAfter: atOnce }],
    'no requests': [{ clients: 0 }],
    'no requests before': [{ failing: 0.9, retryAfter: atOnce }, { clients: 0 }],
  }
  for (const [name, behaviour] of Object.entries(none))
    t.same(storms(...behaviour), [null, null, null, null, null], name)
  t.end()
})
