import t from 'tap'
import { parseQueries } from '../../../formats/prometheus/custom-queries.js'
import { PRESETS, presetQueries } from '../../../formats/prometheus/presets.js'
import { isMatchers, withWindow } from '../../../formats/prometheus/queries.js'

t.test('a preset has the queries of the product', async (t) => {
  t.same(presetQueries('traefik', ''), {
    requests: 'sum(rate(traefik_entrypoint_requests_total{entrypoint!="traefik"}[$window]))',
    errors: 'sum(rate(traefik_entrypoint_requests_total{entrypoint!="traefik",code=~"[45].."}[$window]))',
    avgLatency:
      'sum(rate(traefik_entrypoint_request_duration_seconds_sum{entrypoint!="traefik"}[$window])) / sum(rate(traefik_entrypoint_request_duration_seconds_count{entrypoint!="traefik"}[$window]))',
    p95Latency:
      'histogram_quantile(0.95, sum by (le) (rate(traefik_entrypoint_request_duration_seconds_bucket{entrypoint!="traefik"}[$window])))',
    p99Latency:
      'histogram_quantile(0.99, sum by (le) (rate(traefik_entrypoint_request_duration_seconds_bucket{entrypoint!="traefik"}[$window])))',
    latencyUnit: 'seconds',
    counter: 'traefik_entrypoint_requests_total{entrypoint!="traefik"}',
  })
})

t.test('the selector of the operator takes the place of that of the preset', async (t) => {
  for (const preset of PRESETS) {
    const { counter, requests } = presetQueries(preset, 'job="gateway"')
    t.match(counter, /^\w+\{job="gateway"\}$/, preset)
    t.ok(requests.includes('job="gateway"') && !requests.includes('!='), preset)
  }
})

t.test('the window is put into every rate', async (t) => {
  t.equal(withWindow('rate(a[$window]) / rate(b[$window])', 75), 'rate(a[75s]) / rate(b[75s])')
})

t.test('label matchers are told from other text', async (t) => {
  for (const text of ['a="b"', 'a!="b",c=~"d|e"', ' a = "b" , c !~ "\\"}" ']) t.ok(isMatchers(text), text)
  for (const text of [
    '',
    'a',
    'a=b',
    '{a="b"}',
    'a="b",',
    'a="b"} or vector(1) or x{b="c"',
    '1a="b"',
    'a="\n"',
  ])
    t.notOk(isMatchers(text), text)
})

t.test('custom queries take the name of a histogram, and single latencies in place of its own', async (t) => {
  const queries = {
    requests: 'sum(r)',
    errors: 'sum(e)',
    latency_histogram: 'http_seconds_bucket{job="x"}',
    p99_latency: 'max(p99)',
  }
  t.match(parseQueries(JSON.stringify(queries)), {
    requests: 'sum(r)',
    errors: 'sum(e)',
    avgLatency:
      'sum(rate(http_seconds_sum{job="x"}[$window])) / sum(rate(http_seconds_count{job="x"}[$window]))',
    p99Latency: 'max(p99)',
    latencyUnit: 'seconds',
    counter: null,
  })
})

t.test('custom queries that are not as documented are refused by their field', async (t) => {
  const good = { requests: 'r', errors: 'e' }
  const cases: [unknown, RegExp][] = [
    [[], /not an object/],
    [{ requests: 'r' }, /lacks errors/],
    [{ ...good, latency: 'x' }, /fields may be requests, errors/],
    [{ ...good, p95_latency: 5 }, /p95_latency must be a text/],
    [{ ...good, errors: ' ' }, /errors must be a text/],
    [{ ...good, requests: 'x'.repeat(2001) }, /requests must be a text of 1 to 2000/],
    [{ ...good, latency_unit: 'minutes' }, /latency_unit must be seconds or milliseconds/],
    [{ ...good, latency_histogram: 'a b' }, /latency_histogram must be a name/],
  ]
  for (const [given, message] of cases) t.throws(() => parseQueries(JSON.stringify(given)), message)
  t.throws(() => parseQueries('{'), SyntaxError)
})
