import t from 'tap'
import { expositionFor, toOpenMetrics } from '../../../plugins/metrics/exposition.js'

t.test('the Accept header chooses the form', (t) => {
  const openmetrics =
    'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1'
  const newer =
    'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2'
  for (const [accept, expected] of [
    [undefined, 'text'],
    ['', 'text'],
    ['*/*', 'text'],
    ['text/html,application/xhtml+xml,*/*;q=0.8', 'text'],
    ['application/json', 'text'],
    ['application/openmetrics-text', 'openmetrics'],
    ['Application/OpenMetrics-Text; Version=1.0.0', 'openmetrics'],
    ['application/openmetrics-text;q=0.4, text/plain', 'text'],
    ['application/openmetrics-text;q=0', 'text'],
    ['application/openmetrics-text;version=2.0.0', 'text'],
    ['application/openmetrics-text;q=much', 'text'],
    [openmetrics, 'openmetrics'],
    [newer, 'openmetrics'],
    [','.repeat(100_000), 'text'],
  ] as const) {
    t.equal(expositionFor(accept), expected, String(accept).slice(0, 100))
  }
  t.end()
})

t.test('OpenMetrics names a counter without its suffix, and writes bounds as floats', (t) => {
  const text = [
    '# HELP a_total Things_total.',
    '# TYPE a_total counter',
    'a_total{x="le=\\"1\\""} 2',
    '',
    '# HELP h_seconds Times.',
    '# TYPE h_seconds histogram',
    'h_seconds_bucket{r="/a",le="0.5"} 1',
    'h_seconds_bucket{le="5"} 2',
    'h_seconds_bucket{le="+Inf"} 2',
    '',
  ].join('\n')
  t.equal(
    toOpenMetrics(text),
    [
      '# HELP a Things_total.',
      '# TYPE a counter',
      'a_total{x="le=\\"1\\""} 2',
      '# HELP h_seconds Times.',
      '# TYPE h_seconds histogram',
      'h_seconds_bucket{r="/a",le="0.5"} 1',
      'h_seconds_bucket{le="5.0"} 2',
      'h_seconds_bucket{le="+Inf"} 2',
      '# EOF',
      '',
    ].join('\n'),
  )
  t.end()
})
