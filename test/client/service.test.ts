import { createClient, getMLClient, initializeMLClient } from '@aegis/ml-client'
import { execFileSync } from 'node:child_process'
import t from 'tap'
import { testService, USUAL, type Service } from '../service.js'

async function listening(t: Parameters<typeof testService>[0]): Promise<Service & { url: string }> {
  const service = await testService(t)
  return { ...service, url: await service.app.listen({ host: '127.0.0.1', port: 0 }) }
}

t.test('the client calls every capability of a real service', async (t) => {
  const { url, sql } = await listening(t)
  const client = createClient({ baseUrl: url })
  t.match(await client.getHealth(), { status: 'healthy', service: 'aegis-ml' })
  await t.rejects(client.detect(USUAL), { name: 'MLServiceError', status: 409, code: 'MODEL_NOT_TRAINED' })
  t.match(await client.generateSynthetic({ duration_hours: 24, seed: 1 }), { samples: 1440 })
  t.match(await client.trainSynthetic(), { trained: true })
  t.match(await client.detect(USUAL), { anomaly: false, features: USUAL })
  t.match(await client.detectBatch({ metrics: [USUAL] }), { summary: { total: 1 } })
  t.match(await client.getTrend(), { status: 'insufficient_data' })
  t.match(await client.getModelInfo(), { anomaly_detector: { is_trained: true } })

  await sql`
    insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id)
    select date_trunc('minute', now()) - n * interval '1 second', 'GET', '/items/' || n % 9, 200, 40, 'u' || n % 7
    from generate_series(1, 3000) n`
  const trained = await client.train({ days: 1 })
  t.match(trained, { anomaly_detector: { trained: true }, rate_optimizer: { trained: true } })
  const job = await client.train({ wait: false })
  const states: string[] = []
  for await (const { state } of client.followTrainingJob({ id: job.id })) states.push(state)
  t.equal(states.at(-1), 'done')
  t.match(await client.optimize({ endpoint: '/items/5', scope: 'client' }), { endpoint: '/items/{id}' })
  t.match(await client.optimizeAll(), { summary: { total_endpoints: 1 } })
  t.match(await client.getClusters({ n_clusters: 3 }), { clusters: Object })
  t.match(await client.exportEndpointProfiles(), { count: 1 })
  t.match(await client.exportEndpointProfiles({ format: 'csv' }), /^endpoint,.*\r\n\/items/)
  t.match(await client.exportRateLimits({ format: 'nginx' }), /limit_req_zone/)
  t.match(await client.exportTrainingData(), /^minute,/)
  const rows = await client.exportTrainingData({ format: 'json' })
  t.ok(rows.length >= 50)
  const stream = await client.streamTrainingData({ bucket: '1h' })
  t.match(await new Response(stream).text(), /^minute,/)
  await t.rejects(client.exportTrainingData({ from: '2001-01-01T00:00Z', to: '2001-01-02T00:00Z' }), {
    status: 404,
    code: 'NO_DATA',
  })
  await t.rejects(client.streamTrainingData({ from: '2001-01-01T00:00Z', to: '2001-01-02T00:00Z' }), {
    code: 'NO_DATA',
  })
})

t.test('the names that gateways know', async (t) => {
  const { url } = await listening(t)
  const warnings: string[] = []
  const client = await initializeMLClient({ baseUrl: url, retry: { attempts: 2 } }, (text) =>
    warnings.push(text),
  )
  t.equal(getMLClient(), client)
  t.same(warnings, [])
  t.ok(await client.isServiceAvailable())
  t.match(await client.checkHealth(), { status: 'healthy' })
  await client.generateSyntheticData({ duration_hours: 24, seed: 1 })
  t.match(await client.trainOnSynthetic(), { trained: true })
  t.match(await client.detectAnomaly(USUAL), { anomaly: false })
  t.match(await client.detectBatch([USUAL, USUAL]), { summary: { total: 2 } })
  t.match(await client.getTrend('default'), { window_size: 1 })
  t.match(await client.optimizeRateLimit({ endpoint: '/x', tier: 'free' }), { recommended_limit: 60 })
  t.match(await client.getTrainingStatus(), { training: false })
  t.match(await client.trainModels({ days: 1 }), { anomaly_detector: { trained: false } })
  t.match(await client.getModelInfo(), { anomaly_detector: { is_trained: true } })
  t.match(await client.resetModels(), { reset: true })
  t.match(await client.loadModels(['anomaly']), { anomaly_detector: { loaded: true } })
  await t.rejects(client.optimizeAllEndpoints(), { code: 'MODEL_NOT_TRAINED' })
  await t.rejects(client.getEndpointClusters(3), { code: 'MODEL_NOT_TRAINED' })
  await t.rejects(client.exportTrainingData(), { code: 'NO_DATA' })
  await t.rejects(client.exportEndpointProfiles(), { code: 'MODEL_NOT_TRAINED' })
})

t.test('initializing never throws: it warns and goes on', async (t) => {
  const warnings: string[] = []
  const warn = (text: string) => warnings.push(text)
  const away = await initializeMLClient({ baseUrl: 'http://127.0.0.1:9' }, warn)
  t.match(warnings, [/does not answer at http:\/\/127.0.0.1:9/])
  t.notOk(await away.isServiceAvailable())
  const wrong = await initializeMLClient({ baseUrl: 'nowhere' }, warn)
  t.match(warnings[1], /baseUrl is "nowhere"/)
  t.notOk(wrong.enabled)
  const off = await initializeMLClient({ enabled: false }, warn)
  t.equal(warnings.length, 2)
  await t.rejects(off.detectAnomaly(USUAL), { name: 'MLServiceError', code: 'SERVICE_DISABLED' })
  t.notOk(await off.isServiceAvailable())
})

t.test('the environment gives the defaults', (t) => {
  const script = `
    import { MLServiceClient } from '@aegis/ml-client'
    const client = new MLServiceClient({ retry: { attempts: 1 } })
    console.log(client.enabled, await client.checkHealth().catch(({ code, message }) => code + ' ' + message))`
  const run = (environment: Record<string, string>) =>
    execFileSync(process.execPath, ['--input-type=module', '-e', script], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], ...environment },
    })
  t.match(run({ ML_SERVICE_URL: 'http://127.0.0.1:9' }), /^true NETWORK_ERROR .*http:\/\/127.0.0.1:9\/health/)
  t.match(run({ ML_SERVICE_ENABLED: 'false' }), /^false SERVICE_DISABLED/)
  t.end()
})

t.test('CommonJS can require it', (t) => {
  const script = "console.log(typeof require('@aegis/ml-client').createClient)"
  t.equal(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }).trim(), 'function')
  t.end()
})
