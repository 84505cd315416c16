import t from 'tap'
import { labelsOf, minutesOf, scrapeSeconds, seriesOf } from '../../../formats/prometheus/minutes.js'

const answer = (...series: [number, string][][]) => ({
  status: 'success',
  data: { resultType: 'matrix', result: series.map((values) => ({ metric: {}, values })) },
})
const MINUTE = 60_000
const series = (...values: number[]) => new Map(values.map((value, i) => [(i + 1) * MINUTE, value]))

t.test('a minute has the figures that are evaluated at its end', async (t) => {
  const minutes = minutesOf(
    {
      requests: series(2, 4),
      errors: series(0.5, 1),
      avgLatency: series(0.02, 0.03),
      p95Latency: series(0.1, 0.2),
      p99Latency: series(0.3, NaN),
    },
    'seconds',
  )
  t.same(minutes, [
    { timeMs: 0, requests: 120, errors: 30, avgLatency: 20, p95Latency: 100, p99Latency: 300 },
    { timeMs: MINUTE, requests: 240, errors: 60, avgLatency: 30, p95Latency: 200, p99Latency: null },
  ])
})

t.test('a minute without a value is left out, one without requests is known', async (t) => {
  const requests = series(1, NaN, 0, -1, Infinity, 3)
  requests.delete(6 * MINUTE)
  const minutes = minutesOf({ requests, p95Latency: series(5, 5, 5, 5, 5, 5) }, 'milliseconds')
  t.same(
    minutes.map(({ timeMs, requests, p95Latency }) => [timeMs / MINUTE, requests, p95Latency]),
    [
      [0, 60, 5],
      [2, 0, null],
    ],
  )
})

t.test('errors are none where Prometheus has none, and never more than the requests', async (t) => {
  const errors = series(NaN, 5)
  const minutes = minutesOf({ requests: series(1, 1, 1), errors }, 'seconds')
  t.same(
    minutes.map(({ errors }) => errors),
    [0, 60, 0],
  )
})

t.test('an answer of several series, or of something else, is refused', async (t) => {
  t.same([...seriesOf(answer())], [])
  t.same(
    [
      ...seriesOf(
        answer([
          [60, '1.5'],
          [120, 'NaN'],
        ]),
      ),
    ],
    [
      [MINUTE, 1.5],
      [2 * MINUTE, NaN],
    ],
  )
  t.throws(() => seriesOf(answer([[60, '1']], [[60, '2']])), /2 series; sum\(\)/)
  t.throws(() => seriesOf({ data: { resultType: 'vector', result: [] } }), /not a matrix/)
  for (const other of [undefined, null, 'x', {}, { data: 1 }]) t.throws(() => seriesOf(other), /not that of/)
})

t.test('the interval of the scrapes is the usual time between samples', async (t) => {
  const every = (seconds: number, count: number) =>
    Array.from({ length: count }, (_, i): [number, string] => [i * seconds + (i % 2) * 0.004, '1'])
  t.equal(scrapeSeconds(answer(every(15, 40))), 15)
  t.equal(scrapeSeconds(answer([...every(30, 10), [1000, '1']])), 30, 'a gap does not count')
  t.equal(scrapeSeconds(answer(every(30, 2))), undefined)
  t.equal(scrapeSeconds(answer()), undefined)
  t.equal(scrapeSeconds(answer(every(3600, 4))), 300)
})

t.test('the labels of a series come from the answer to an instant query', async (t) => {
  t.same(labelsOf({ data: { result: [{ metric: { job: 'a' }, value: [1, '2'] }] } }), { job: 'a' })
  t.equal(labelsOf({ data: { result: [] } }), undefined)
})
