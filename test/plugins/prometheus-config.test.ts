import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { loadConfig } from '../../plugins/config.js'

const URL = 'http://prometheus:9090'
const prometheus = (environment: Record<string, string>) =>
  loadConfig({ PROMETHEUS_URL: URL, PROMETHEUS_PRESET: 'envoy', ...environment }).prometheus

t.test('without an address there is no Prometheus', async (t) => {
  t.equal(loadConfig({ PROMETHEUS_PRESET: 'envoy' }).prometheus, null)
})

t.test('the source is named after the preset, unless it has a name', async (t) => {
  t.match(prometheus({}), { url: URL, authorization: null, source: 'envoy', windowSeconds: null })
  t.match(prometheus({ PROMETHEUS_SOURCE: 'edge', PROMETHEUS_WINDOW: '75' }), {
    source: 'edge',
    windowSeconds: 75,
  })
})

t.test('user and password of the address become a header', async (t) => {
  t.match(prometheus({ PROMETHEUS_URL: 'https://me:p%40ss@host/prometheus/' }), {
    url: 'https://host/prometheus',
    authorization: `Basic ${Buffer.from('me:p@ss').toString('base64')}`,
  })
  t.match(prometheus({ PROMETHEUS_TOKEN: 'abc' }), { authorization: 'Bearer abc' })
})

t.test('queries are JSON or a file that holds it', async (t) => {
  const queries = '{"requests": "sum(r)", "errors": "sum(e)"}'
  const file = join(t.testdir(), 'queries.json')
  await writeFile(file, queries)
  for (const given of [queries, file]) {
    const found = prometheus({ PROMETHEUS_PRESET: '', PROMETHEUS_QUERIES: given })
    t.match(found, { source: 'prometheus', queries: { requests: 'sum(r)', errors: 'sum(e)' } })
  }
})

t.test('a bad value stops the start by its variable, and no secret is shown', async (t) => {
  const cases: [Record<string, string>, RegExp][] = [
    [{ PROMETHEUS_URL: 'ftp://me:secret@host' }, /^PROMETHEUS_URL is "ftp:\/\/…@host"/],
    [{ PROMETHEUS_URL: 'me:secret@host' }, /^PROMETHEUS_URL is "…@host"/],
    [{ PROMETHEUS_URL: 'http://me:sec%ret@host' }, /^PROMETHEUS_URL is "http:\/\/…@host".*%40/],
    [{ PROMETHEUS_URL: 'http://host?secret' }, /^PROMETHEUS_URL/],
    [{ PROMETHEUS_TOKEN: 'sec ret' }, /^PROMETHEUS_TOKEN is "…"/],
    [{ PROMETHEUS_TOKEN: 'secret', PROMETHEUS_TOKEN_FILE: '/x' }, /^PROMETHEUS_TOKEN is "…"/],
    [{ PROMETHEUS_TOKEN_FILE: '/no/such/file' }, /^PROMETHEUS_TOKEN_FILE is "\/no\/such\/file"/],
    [{ PROMETHEUS_PRESET: 'apache' }, /^PROMETHEUS_PRESET is "apache"; allowed is one of envoy, kong/],
    [{ PROMETHEUS_PRESET: '' }, /^PROMETHEUS_PRESET is ""/],
    [{ PROMETHEUS_QUERIES: '{}' }, /^PROMETHEUS_PRESET is "envoy"/],
    [{ PROMETHEUS_PRESET: '', PROMETHEUS_QUERIES: '{}' }, /^PROMETHEUS_QUERIES is "{}".*lacks requests/],
    [
      { PROMETHEUS_PRESET: '', PROMETHEUS_QUERIES: '/no/file' },
      /^PROMETHEUS_QUERIES is "\/no\/file".*ENOENT/,
    ],
    [{ PROMETHEUS_SELECTOR: 'a=b' }, /^PROMETHEUS_SELECTOR is "a=b"/],
    [{ PROMETHEUS_WINDOW: '2m' }, /^PROMETHEUS_WINDOW is "2m"/],
  ]
  for (const [environment, message] of cases) {
    t.throws(() => prometheus(environment), message)
    try {
      prometheus(environment)
    } catch (error) {
      t.notMatch((error as Error).message, /sec.?ret@|is "secret|sec ret/)
    }
  }
})
