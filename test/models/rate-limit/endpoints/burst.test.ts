import t from 'tap'
import { burstOn } from '../../../../models/rate-limit/burst-curve.js'
import { burstFromProfile, endpointBurst } from '../../../../models/rate-limit/endpoints/burst.js'

t.test('a burst without request times', async (t) => {
  const table = [
    [10, 1, 10],
    [10, 50, 10],
    [300, 1, 50],
    [300, 40, 80],
    [300, 500, 300],
    [6000, 10, 1000],
    [62, 3, 10],
  ]
  for (const [limit, typical, burst] of table)
    t.equal(burstFromProfile(limit!, typical!), burst, `${limit}, ${typical}`)
})

t.test('bursts between known rates lie on a line, and stay within bounds', async (t) => {
  const curve = [
    { limit: 10, burst: 100 },
    { limit: 20, burst: 50 },
  ]
  t.same(
    [5, 10, 15, 20, 99].map((limit) => burstOn(curve, limit)),
    [100, 100, 75, 50, 50],
  )
  t.equal(endpointBurst(curve, 15), 15, 'not more than a minute at the limit')
  t.equal(endpointBurst(curve, 600), 100, 'ten seconds at the least')
})
