import { spawnSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { MAX_SHOWN } from '../../plugins/metrics/judged-series.js'
import { codesIn, tableRows } from '../docs/documents.js'
import { eventually } from '../eventually.js'
import { missingProgram } from '../missing-program.js'
import { testDirectory } from '../postgres.js'
import { testService, trainOnSynthetic, USUAL, type Service } from '../service.js'
import { scrape } from '../scrape.js'
import { runPrometheus } from './prometheus-server.js'

const TOKEN = 'secret-of-prometheus'
const ADMIN = { authorization: 'Bearer secret-of-admin' }
const MONITORING = 'docs/monitoring'

/** What a scrape may have at most, whatever is asked and reported. */
const MAX_BYTES = 200_000

const keyOf = (name: string, role: string) =>
  `${name}:${createHash('sha256').update(`secret-of-${name}`).digest('hex')}:${role}`

/** A service with keys that was asked for many things. */
async function busyService(t: Test): Promise<Service> {
  const keys = [keyOf('prometheus', 'read'), keyOf('admin', 'admin')].join(',')
  const service = await testService(t, {
    ...{ API_KEYS: keys, WATCH: 'on', WEBHOOK_URLS: 'http://127.0.0.1:9/' },
    WEBHOOK_SECRET: `whsec_${randomBytes(32).toString('base64')}`,
  })
  const { app } = service
  const post = (url: string, body?: object) => service.post(url, body, { headers: ADMIN })
  await trainOnSynthetic({ app, post }, 6)
  await post('/detect', USUAL)
  await post('/detect', { ...USUAL, source: 'eu-west', requests_per_second: 500 })
  await post('/detect', { ...USUAL, requests_per_second: 'many' })
  const request = { timestamp: new Date().toISOString(), method: 'GET', path: '/a', status_code: 200 }
  await post('/ingest/requests?on_invalid=skip', { requests: [request, { ...request, timestamp: 'once' }] })
  await post('/ingest/requests?on_invalid=skip', { requests: [request, { ...request, timestamp: 'once' }] })
  await post('/ingest/requests', { requests: [] })
  await app.inject('/health/live')
  await app.inject({ method: 'HEAD', url: '/health/live' })
  await app.inject('/health')
  await app.inject({ method: 'POST', url: '/health', headers: ADMIN })
  return service
}

t.test('what the service does is measured', async (t) => {
  const service = await busyService(t)
  await eventually(async () => (await scrape(service, ADMIN)).value('aegis_ml_watcher_lease_held') === 1, {
    what: 'the lease of the watcher',
  })

  await t.test('requests, verdicts, ingest, training, and the database', async (t) => {
    const { value } = await scrape(service, ADMIN)
    for (const [sample, expected] of [
      ['aegis_ml_http_requests_total{route="/detect",method="POST",code="200"}', 2],
      ['aegis_ml_http_requests_total{route="/detect",method="POST",code="400"}', 1],
      ['aegis_ml_http_request_duration_seconds_count{route="/detect",method="POST"}', 3],
      ['aegis_ml_http_request_duration_seconds_bucket{route="/detect",method="POST",le="+Inf"}', 3],
      ['aegis_ml_http_requests_total{route="/health/live",method="GET",code="200"}', 1],
      ['aegis_ml_http_requests_total{route="/health/live",method="HEAD",code="200"}', 1],
      ['aegis_ml_http_requests_total{route="/health",method="GET",code="401"}', 1],
      ['aegis_ml_http_requests_total{route="unknown",method="POST",code="405"}', 1],
      ['aegis_ml_http_failures_total{reason="UNAUTHENTICATED"}', 1],
      ['aegis_ml_http_failures_total{reason="METHOD_NOT_ALLOWED"}', 1],
      ['aegis_ml_series_requests_per_second{series="source",source="eu-west"}', 500],
      ['aegis_ml_ingested_requests_total', 1],
      ['aegis_ml_ingest_batches_total{outcome="stored"}', 1],
      ['aegis_ml_ingest_batches_total{outcome="duplicate"}', 1],
      ['aegis_ml_ingest_batches_total{outcome="refused"}', 1],
      ['aegis_ml_ingest_refused_requests_total{reason="invalid"}', 2],
      ['aegis_ml_training_runs_total{trigger="requested",outcome="trained"}', 1],
      ['aegis_ml_model_active{model="anomaly_detector"}', 1],
      ['aegis_ml_model_active{model="rate_optimizer"}', 0],
      ['aegis_ml_database_up{database="own"}', 1],
      ['aegis_ml_database_pool_max_connections', 10],
      ['aegis_ml_open_incidents{type="latency_spike",severity="high",state="open"}', 0],
      ['aegis_ml_health_problems{part="database"}', 0],
    ] as const) {
      t.equal(value(sample), expected, sample)
    }
  })

  await t.test('promtool finds nothing to improve', { skip: missingProgram('promtool') }, async (t) => {
    const { text } = await scrape(service, ADMIN)
    const { stdout, stderr, status } = spawnSync('promtool', ['check', 'metrics'], {
      input: text,
      encoding: 'utf8',
    })
    t.equal(`${stdout}${stderr}`, '')
    t.equal(status, 0)
  })

  await t.test('docs/monitoring.md lists each metric with its type and its labels', async (t) => {
    const { text, types } = await scrape(service, ADMIN)
    const rows = tableRows('docs/monitoring.md', 'metric')
    const documented = new Map(
      rows
        .flatMap(([names = '', type = '', labels = '']) =>
          codesIn(names).map((name): [string, string, Set<string>] => [name, type, new Set(codesIn(labels))]),
        )
        .map(([name, type, labels]) => [name, { type, labels }]),
    )
    t.same(
      Object.fromEntries([...documented].map(([name, { type }]) => [name, type])),
      Object.fromEntries(types),
    )
    for (const [, sample, labels = ''] of text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
      const family = types.has(sample!) ? sample! : sample!.replace(/_(bucket|sum|count)$/, '')
      for (const [, label] of labels.matchAll(/(\w+)="/g)) {
        if (label !== 'le') t.ok(documented.get(family)?.labels.has(label!), `${label} of ${family}`)
      }
    }
  })

  const skip = missingProgram('prometheus')
  await t.test('a real Prometheus scrapes it, with the rules and the dashboard', { skip }, async (t) => {
    await service.app.listen({ host: '127.0.0.1', port: 0 })
    const { port } = service.app.server.address() as AddressInfo
    const folder = await testDirectory(t)
    const config = await readFile(join(MONITORING, 'prometheus.yml'), 'utf8')
    await writeFile(
      join(folder, 'prometheus.yml'),
      config.replace('127.0.0.1:5000', `127.0.0.1:${port}`).replaceAll('15s', '1s'),
    )
    await writeFile(join(folder, 'aegis-ml.token'), `${TOKEN}\n`)
    await copyFile(join(MONITORING, 'aegis-ml.rules.yml'), join(folder, 'aegis-ml.rules.yml'))
    const url = await runPrometheus(t, folder)
    const ask = async (path: string) => (await (await fetch(`${url}/api/v1/${path}`)).json()) as Asked
    const query = (text: string) => ask(`query?query=${encodeURIComponent(text)}`)

    const target = await eventually(async () => {
      const [found] = (await ask('targets')).data.activeTargets
      return found?.health !== 'unknown' && found
    })
    t.match(target, { health: 'up', lastError: '' })
    const found = await eventually(async () => {
      const answer = await query('aegis_ml_http_requests_total{route="/metrics", code="200"}')
      return answer.data.result.length > 0 && answer
    })
    t.match(found.data.result[0], { metric: { job: 'aegis-ml', method: 'GET' } })
    const groups = await eventually(async () => {
      const { groups } = (await ask('rules')).data
      return groups.every(({ rules }) => rules.every(({ health }) => health !== 'unknown')) && groups
    })
    for (const { name, health, lastError } of groups.flatMap(({ rules }) => rules))
      t.equal(health, 'ok', `${name}: ${lastError}`)

    const { types } = await scrape(service, ADMIN)
    for (const expression of await expressions()) {
      const text = expression
        .replaceAll('$__rate_interval', '1m')
        .replaceAll('$job', 'aegis-ml')
        .replace(/\$\w+/g, '.*')
      t.match(await query(text), { status: 'success' }, text)
      for (const [name] of text.matchAll(/\b(?:aegis_ml|process|nodejs)_\w+/g)) {
        t.ok(types.has(name) || types.has(name.replace(/_(bucket|sum|count)$/, '')), `${name} exists`)
      }
    }
  })

  await t.test('sources and paths that nobody has named do not make it grow', async (t) => {
    const { detection } = service.app
    const before = await scrape(service, ADMIN)
    for (let i = 0; i < 1_200; i++) detection.detect({ ...USUAL, source: `${'s'.repeat(90)}-${i}` })
    for (let i = 0; i < 300; i += 100) {
      const some = Array.from({ length: 100 }, (_, k) => ({
        method: (['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'] as const)[k % 7]!,
        url: `/path-${i + k}?q=${i}`,
      }))
      await Promise.all(some.map((each) => service.app.inject(each as object)))
    }
    const { text, value } = await scrape(service, ADMIN)
    t.notMatch(text, /path-\d/)
    t.equal(
      text.match(/^aegis_ml_series_requests_per_second\{series="source"/gm)?.length,
      MAX_SHOWN,
      'the busiest sources',
    )
    t.ok(text.length < before.text.length + 30_000, `${text.length - before.text.length} bytes more`)
    t.ok(value('aegis_ml_http_requests_total{route="unknown",method="GET",code="404"}') >= 40)
  })

  await t.test('it stays small when each route was asked for', async (t) => {
    const { app } = service
    const { paths } = (await app.inject('/docs/json')).json<{ paths: Record<string, object> }>()
    for (const [path, methods] of Object.entries(paths)) {
      if (/stream|events/.test(path)) continue // never ends
      const url = path.replace(/\{\w+\}/g, 'x')
      for (const method of [...Object.keys(methods), 'patch'].map((each) => each.toUpperCase())) {
        // As cheap as can be: a refusal counts like any other answer.
        const broken = { headers: { ...ADMIN, 'content-type': 'application/json' }, payload: '{"a' }
        await app.inject({ method: method as 'GET', url, ...(method !== 'GET' && broken) })
      }
    }
    const { text, types } = await scrape(service, ADMIN)
    t.match(text, /route="\/incidents\/:id"/)
    t.ok(text.length < MAX_BYTES, `${text.length} bytes`)
    t.equal(types.size, (await scrape(service, ADMIN)).types.size)
  })
})

interface Asked {
  readonly status: string
  readonly data: {
    readonly result: readonly object[]
    readonly activeTargets: readonly { readonly health: string }[]
    readonly groups: readonly {
      readonly rules: readonly {
        readonly name: string
        readonly health: string
        readonly lastError?: string
      }[]
    }[]
  }
}

/** The queries of the dashboard, and the metrics that the rules use. */
async function expressions(): Promise<string[]> {
  const dashboard = await readFile(join(MONITORING, 'grafana-dashboard.json'), 'utf8')
  const { panels } = JSON.parse(dashboard) as { panels: { targets?: { expr: string }[] }[] }
  const rules = await readFile(join(MONITORING, 'aegis-ml.rules.yml'), 'utf8')
  const used = rules.matchAll(/(?<![\w:])(?:aegis_ml|process)_\w+(?=[{[) ])(?!:)/g)
  return [
    ...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ...new Set([...used].map(([name]) => name)),
  ]
}
