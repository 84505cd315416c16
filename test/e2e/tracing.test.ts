import t from 'tap'
import { testService, USUAL_MONDAY } from '../service.js'
import { eventually } from '../eventually.js'
import { insertDays } from './automatic-training.js'
import { startCollector, type ReceivedSpan } from './collector.js'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const PARENT = '00f067aa0ba902b7'

const traceOf = (spans: readonly ReceivedSpan[], name: string) => {
  const root = spans.findLast((span) => span.name === name)!
  return {
    root,
    others: spans.filter(({ traceId, spanId }) => traceId === root.traceId && spanId !== root.spanId),
  }
}

t.test(
  'a detection and a training are traces, with what they do in the database and in workers',
  async (t) => {
    const collector = await startCollector(t)
    const { app, sql, post, get } = await testService(t, {
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_SERVICE_NAME: 'watcher',
    })
    await insertDays(sql, 1)
    // A busy machine may say that the database takes too long.
    await eventually(async () => (await post('/train', { days: 1, models: ['anomaly'] })).status === 200)
    const headers = {
      traceparent: `00-${TRACE}-${PARENT}-01`,
      authorization: 'Bearer geheim',
      cookie: 'a=geheim',
    }
    t.equal((await post('/detect?colour=geheim', USUAL_MONDAY, { headers })).status, 200)
    await eventually(async () => (await get('/incidents/99')).status === 404)
    t.equal((await get('/health/live')).status, 200)
    await app.close()

    const { spans } = collector
    t.match(collector.resource, { 'service.name': 'watcher', 'service.version': String })
    t.match(
      spans.find(({ name }) => name === 'POST /detect'),
      {
        ...{ traceId: TRACE, parentSpanId: PARENT, kind: 2, failed: false },
        attributes: {
          'url.path': '/detect',
          'http.response.status_code': { low: 200 },
          'aegis_ml.request_id': TRACE,
        },
      },
    )
    const { root, others } = traceOf(spans, 'POST /train')
    t.equal(root.parentSpanId, '')
    const training = others.find(({ name }) => name === 'training')!
    t.equal(training.parentSpanId, root.spanId)
    t.match(
      others.find(({ name }) => name === 'worker training/detector-worker'),
      { parentSpanId: training.spanId },
    )
    t.match(
      others.filter(({ name }) => name === 'insert aegis_ml_models'),
      [{ parentSpanId: training.spanId, kind: 3, attributes: { 'db.system.name': 'postgresql' } }],
    )
    t.ok(
      others.some(({ name }) => name === 'update aegis_ml_audit'),
      'its entry in the audit log too',
    )

    const found = traceOf(spans, 'GET /incidents/:id')
    t.match(found.root, { failed: false, attributes: { 'http.response.status_code': { low: 404 } } })
    const statement = { name: 'select aegis_ml_incidents', parentSpanId: found.root.spanId, failed: false }
    t.match(found.others.at(-1), statement)
    t.notOk(
      spans.some(({ name }) => name.includes('/health')),
      'probes have none',
    )
    t.notMatch(spans.map(({ attributes }) => JSON.stringify(attributes)).join(), 'geheim')
  },
)

t.test('a receiver that fails costs a line in the log, and no request', async (t) => {
  const collector = await startCollector(t)
  collector.status = 400
  const service = await testService(t, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint })
  const lines: unknown[] = []
  service.app.log.warn = ((...line: unknown[]) => void lines.push(line)) as never
  for (let i = 0; i < 600; i++) await service.get('/version')
  await service.app.close()
  t.ok(collector.headers.length >= 2, 'more than one batch was sent')
  t.match(lines, [[{ url: `${collector.endpoint}/v1/traces` }, /^traces cannot be sent/]])
})

t.test('a share of the traces is kept, and what the caller says of its own', async (t) => {
  const collector = await startCollector(t)
  const { app, post } = await testService(t, {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_TRACES_SAMPLER_ARG: '0',
  })
  for (const flags of ['00', '01'])
    await post('/model/load', {}, { headers: { traceparent: `00-${TRACE}-${PARENT}-${flags}` } })
  await post('/model/load')
  await app.close()
  t.match(
    collector.spans.filter(({ kind }) => kind === 2),
    [{ traceId: TRACE }],
  )
  t.ok(collector.spans.every(({ traceId }) => traceId === TRACE))
})
