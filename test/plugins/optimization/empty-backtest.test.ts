import t from 'tap'
import { recommend } from '../../../models/optimizer/recommend.js'
import { TIERS } from '../../../models/rate-limit/tiers.js'
import { stated, withEmptyBacktest } from '../../../plugins/optimization/answer.js'

t.test('a backtest without requests says so, with its range', async (t) => {
  const found = stated(
    recommend({
      ...{ endpoint: '/a', strategy: 'balanced', scope: 'client', currentLimit: null, model: null },
      tier: TIERS.default,
    }),
    null,
  )
  const backtest = {
    ...{ from: new Date('2026-03-01T00:00:00Z'), to: new Date('2026-03-08T00:00:00Z') },
    ...{ requests: 0, rejected: 0, rejectionRate: 0, clients: 0, clientsAffected: 0 },
  }
  const { warnings } = withEmptyBacktest(found, backtest)
  t.match(warnings.at(-1), /no requests from 2026-03-01T.* to 2026-03-08T.*give from and to/)
  t.equal(withEmptyBacktest(found, { ...backtest, requests: 1 }), found)
  t.equal(withEmptyBacktest(found, undefined), found)
})
