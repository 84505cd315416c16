import t from 'tap'
import type { SeriesMinute } from '../../../models/incidents/series-minute.js'
import { isExplained } from '../../../models/watch/explained.js'
import { endpoint, GATEWAY, seriesMinute } from '../incidents/minutes.js'

const part = (name: string, usual: number, seen: Partial<SeriesMinute> = {}): SeriesMinute => ({
  ...seriesMinute(endpoint(name), 0, usual),
  ...seen,
})

t.test(
  'a gateway with more traffic is explained by a new endpoint, not by one with more than usual',
  async (t) => {
    const gateway = { ...seriesMinute(GATEWAY, 0, 1000, { type: 'flooded' }), requests: 2000 }
    t.ok(isExplained(gateway, [part('a', 1000), part('new', 1000)]))
    t.notOk(isExplained(gateway, [part('a', 1000, { requests: 2000 })]))
    t.notOk(isExplained(gateway, []), 'nothing is known of the endpoints')
  },
)

t.test('a slower gateway is explained by a larger share of slow endpoints, not by slower ones', async (t) => {
  const gateway = { ...seriesMinute(GATEWAY, 0, 1000, { type: 'slow' }), latencyMs: 150 }
  const expected = (latencyMs: number) => ({ requests: 500, failed: 5, latencyMs })
  const fast = part('fast', 500, { latencyMs: 50, expected: expected(50) })
  t.ok(isExplained(gateway, [fast, part('slow', 500, { latencyMs: 250, expected: expected(250) })]))
  t.notOk(isExplained(gateway, [fast, part('slow', 500, { latencyMs: 250, expected: expected(60) })]))
})

t.test('missing requests are not explained by an endpoint that expects them', async (t) => {
  const gateway = { ...seriesMinute(GATEWAY, 0, 1000, { type: 'silent' }), requests: 400 }
  t.notOk(isExplained(gateway, [part('a', 600, { requests: 0 }), part('b', 400)]))
})

t.test('a slow tail is not explained while the average is as usual', async (t) => {
  const gateway = { ...seriesMinute(GATEWAY, 0, 1000, { type: 'slow' }), latencyMs: 50 }
  t.notOk(isExplained(gateway, [part('a', 1000, { latencyMs: 51 })]))
})

t.test('a minute without an alarm needs no explanation', async (t) => {
  t.notOk(isExplained(seriesMinute(GATEWAY, 0, 1000), [part('a', 1000)]))
})
