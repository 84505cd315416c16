import t from 'tap'
import { mixtureQuantile } from '../../../models/watch/mixture.js'

const ofSigma = (median: number, sigma: number) => ({
  avg: median * Math.exp(sigma ** 2 / 2),
  p95: median * Math.exp(1.645 * sigma),
  p99: median * Math.exp(2.326 * sigma),
})
const near = (value: number, truth: number) => Math.abs(value / truth - 1) < 0.01

t.test('one endpoint has its own percentiles, whatever its number of requests', async (t) => {
  const latencies = ofSigma(50, 0.5)
  for (const requests of [1, 1000]) {
    t.ok(near(mixtureQuantile([{ requests, latencies }], 0.05), latencies.p95))
    t.ok(near(mixtureQuantile([{ requests, latencies }], 0.01), latencies.p99))
  }
})

t.test('two equal halves are the whole, and parts without requests or latencies do not count', async (t) => {
  const latencies = ofSigma(50, 0.5)
  const parts = [
    { requests: 10, latencies },
    { requests: 10, latencies },
    { requests: 0, latencies: ofSigma(5000, 0.5) },
    { requests: 10, latencies: { avg: null, p95: null, p99: null } },
  ]
  t.ok(near(mixtureQuantile(parts, 0.05), latencies.p95))
})

t.test('the slowest hundredth of a mixture is that of its slow endpoint', async (t) => {
  const slow = ofSigma(1000, 0.3)
  const parts = [
    { requests: 900, latencies: ofSigma(10, 0.3) },
    { requests: 100, latencies: slow },
  ]
  // A tenth of the requests are slow, so that the hundredth of all is the tenth of the slow ones.
  t.ok(near(mixtureQuantile(parts, 0.01), 1000 * Math.exp(1.2816 * 0.3)))
})

t.test('an average alone is enough, and nothing at all gives NaN', async (t) => {
  const p95 = mixtureQuantile([{ requests: 1, latencies: { avg: 100, p95: null, p99: null } }], 0.05)
  t.ok(p95 > 150 && p95 < 300, String(p95))
  t.ok(Number.isNaN(mixtureQuantile([], 0.05)))
})
