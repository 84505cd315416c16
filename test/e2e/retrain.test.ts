import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { databaseFlags, runScript } from '../scripts/cli/process.js'
import { testService, USUAL, type Service } from '../service.js'

/** What the active model says of many minutes, to the last digit, and what it is made of. */
async function fingerprint({ get, post }: Service) {
  const metrics = Array.from({ length: 300 }, (_, i) => ({
    ...USUAL,
    requests_per_second: 0.01 * i,
    avg_latency_ms: 20 + i,
    p95_latency_ms: 60 + 3 * i,
    p99_latency_ms: 90 + 4 * i,
    error_rate: i / 1000,
    timestamp: new Date(Date.UTC(2026, 0, 1) + i * 60_000).toISOString(),
  }))
  const { results } = (await post('/detect/batch', { metrics })).body.data as { results: object[] }
  const info = (await get('/model/info')).body.data['anomaly_detector'] as Record<string, unknown>
  const { baselines, score_threshold, training_samples } = info
  const judged = results.map((verdict) => ({ ...verdict, model_version: undefined }))
  return { judged, baselines, score_threshold, training_samples }
}

t.test('a CSV of the traffic trains the very model that the database trains', async (t) => {
  const service = await testService(t)
  const { sql, app, dataPath, post } = service
  // Well within the day that training and exports look at, so that a minute may pass between them.
  await sql`
    insert into request_logs ("timestamp", method, path, status_code, response_time_ms)
    select now() - interval '30 minutes' - i * interval '1.37 seconds', 'GET', '/api/items/' || i % 9,
      case when i % 37 = 0 then 500 when i % 41 = 0 then null else 200 end,
      case when i % 53 = 0 then null when i % 59 = 0 then -1 else 20 + (i * 7919::bigint) % 97 + (i / 3000) end
    from generate_series(1, 55000) i`
  t.match((await post('/train', { days: 1 })).body.data, { anomaly_detector: { trained: true } })
  const fromDatabase = await fingerprint(service)

  const train = async (csv: string) => {
    await writeFile(join(dataPath, 'synthetic_training_data.csv'), csv)
    t.match((await post('/train/synthetic')).body.data, { trained: true })
    return fingerprint(service)
  }
  t.same(await train((await app.inject('/export/training-data?days=1')).body), fromDatabase, 'the route')
  const { options } = sql
  const connection = {
    host: options.host[0]!,
    port: options.port[0]!,
    database: options.database,
    user: options.user,
    password: String(options.pass),
  }
  const script = await runScript('export-training-data', [...databaseFlags(connection), '--days', '1'])
  t.same(await train(script.stdout), fromDatabase, 'the script')
})
