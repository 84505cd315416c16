import t from 'tap'
import type { SeriesMinute } from '../../../models/incidents/series-minute.js'
import { isExplained, type DetailedMinute } from '../../../models/watch/explained.js'
import { mixtureQuantile, type Latencies } from '../../../models/watch/mixture.js'
import { endpoint, GATEWAY, seriesMinute } from '../incidents/minutes.js'

type Seen = Partial<SeriesMinute> & { readonly usualMs?: number; readonly slowTimes?: number }

/** An endpoint, or the gateway, with 1,000 requests at 50 ms unless said otherwise; p95 and p99 are 2 and 3 times as much. */
function detailed(minute: SeriesMinute, { usualMs = 50, slowTimes = 1, ...seen }: Seen = {}): DetailedMinute {
  const of = (avg: number, times = 1) => ({ avg, p95: 2 * avg, p99: 3 * times * avg })
  return {
    minute: { ...minute, ...seen },
    latencies: of(seen.latencyMs ?? usualMs, slowTimes),
    expected: of(usualMs),
  }
}

const part = (name: string, usual: number, seen?: Seen) =>
  detailed(seriesMinute(endpoint(name), 0, usual), seen)

t.test(
  'a gateway with more traffic is explained by a new endpoint, not by one with more than usual',
  async (t) => {
    const gateway = detailed(seriesMinute(GATEWAY, 0, 1000, { type: 'flooded' }), { requests: 2000 })
    t.ok(isExplained(gateway, [part('a', 1000), part('new', 1000)]))
    t.notOk(isExplained(gateway, [part('a', 1000, { requests: 2000 })]))
    t.notOk(isExplained(gateway, []), 'nothing is known of the endpoints')
  },
)

t.test('a slower gateway is explained by more requests to slow endpoints, not by slower ones', async (t) => {
  const usual = [part('fast', 900), part('slow', 100, { usualMs: 250, latencyMs: 250 })]
  const shifted = [usual[0]!, part('slow', 100, { usualMs: 250, latencyMs: 250, requests: 400 })]
  const slow = seriesMinute(GATEWAY, 0, 1000, { type: 'slow' })
  const gateway = {
    ...detailed(slow, { requests: 1300, latencyMs: 111 }),
    latencies: wholeOf(shifted),
    expected: wholeOf(usual),
  }
  t.ok(isExplained(gateway, shifted))
  const slower = [part('fast', 900, { latencyMs: 95 }), part('slow', 100, { usualMs: 250, latencyMs: 350 })]
  t.notOk(isExplained(gateway, slower))
})

t.test('a slow endpoint that the gateway does not know yet explains a slower tail', async (t) => {
  const known = part('known', 900)
  const added = part('new', 100, { usualMs: 400, latencyMs: 400 })
  const slow = seriesMinute(GATEWAY, 0, 900, { type: 'slow' })
  const gateway = {
    ...detailed(slow, { requests: 1000 }),
    latencies: wholeOf([known, added]),
    expected: wholeOf([known]),
  }
  t.ok(isExplained(gateway, [known, { ...added, isNew: true }]))
  t.notOk(isExplained(gateway, [known, added]), 'a known one should have been expected')
})

t.test('it explains it too where the gateway has got used to it in part', async (t) => {
  const known = part('known', 900)
  const job = part('new', 300, { usualMs: 400, latencyMs: 400 })
  const off = part('new', 100, { usualMs: 400, latencyMs: 400 })
  const slow = seriesMinute(GATEWAY, 0, 1000, { type: 'slow' })
  const gateway = {
    ...detailed(slow, { requests: 1200 }),
    latencies: wholeOf([known, job]),
    expected: wholeOf([known, off]),
  }
  t.ok(isExplained(gateway, [known, { ...job, isNew: true }]))
})

/** The latencies of all parts together, as they are expected for the requests that there are. */
function wholeOf(parts: readonly DetailedMinute[]): Latencies {
  const all = parts.map(({ minute, expected }) => ({ requests: minute.requests, latencies: expected }))
  const n = all.reduce((sum, { requests }) => sum + requests, 0)
  const avg = all.reduce((sum, { requests, latencies }) => sum + (requests / n) * latencies.avg!, 0)
  return { avg, p95: mixtureQuantile(all, 0.05), p99: mixtureQuantile(all, 0.01) }
}

t.test('missing requests are not explained by an endpoint that expects them', async (t) => {
  const gateway = detailed(seriesMinute(GATEWAY, 0, 1000, { type: 'silent' }), { requests: 400 })
  t.notOk(isExplained(gateway, [part('a', 600, { requests: 0 }), part('b', 400)]))
})

t.test('a slow tail is not explained while the mixture is as usual', async (t) => {
  const slow = seriesMinute(GATEWAY, 0, 1000, { type: 'slow' })
  t.notOk(isExplained(detailed(slow, { latencyMs: 50, slowTimes: 2 }), [part('a', 1000, { latencyMs: 51 })]))
})

t.test('a minute without an alarm needs no explanation', async (t) => {
  t.notOk(isExplained(detailed(seriesMinute(GATEWAY, 0, 1000)), [part('a', 1000)]))
})
