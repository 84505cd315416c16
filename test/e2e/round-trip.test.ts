import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { testService, type Service } from '../service.js'

const SCRIPTS = new URL('../../scripts/', import.meta.url)

/** Runs a data command against the database of the service. */
async function command(service: Service, name: string, ...flags: string[]): Promise<string> {
  const { config } = service.app
  if (config.database.mode !== 'server') throw new Error('a test has a server')
  const { host, port, database, user, password } = config.database
  const script = fileURLToPath(new URL(`${name}.js`, SCRIPTS))
  const connection = [
    ...['--db-host', host, '--db-port', String(port), '--db-name', database],
    ...['--db-user', user, '--db-password', password],
  ]
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...connection, ...flags], {
    cwd: service.dataPath,
    env: { PATH: process.env['PATH'] },
  })
  return stdout
}

/** What has been learned, to the last number. */
const learned = ({ app }: Service) => {
  const { forest, threshold, expectations, baselines, nSamples } = app.models.active.anomaly!.model
  return { forest, threshold, expectations, baselines, nSamples }
}

t.test('what was exported and is learned from again is the same model, to the last score', async (t) => {
  const service = await testService(t)
  const file = join(service.dataPath, 'synthetic_training_data.csv')
  await command(service, 'generate-synthetic-data', '--days', '1', '--base-rps', '1', '--insert-db')
  // Rows that say little are in every real table.
  await service.sql`insert into request_logs (timestamp, method, path, status_code, response_time_ms)
    select now() - i * interval '7 minutes', null, null, null, case i % 3 when 0 then null when 1 then -1 else 0 end
    from generate_series(1, 100) i`
  t.match((await service.post('/train')).body.data, { anomaly_detector: { trained: true } })
  const fromDatabase = learned(service)
  t.ok(fromDatabase.nSamples > 1400)

  const day = ['--days', '2', '--type', 'aggregated', '--bucket', '1m', '--format', 'csv']
  await command(service, 'export-training-data', ...day, '--output', file)
  t.match((await service.post('/train/synthetic')).body.data, { trained: true })
  t.strictSame(learned(service), fromDatabase, 'by the command')

  const { payload } = await service.app.inject('/export/training-data?days=2&format=csv')
  await writeFile(file, payload)
  t.match((await service.post('/train/synthetic')).body.data, { trained: true })
  t.strictSame(learned(service), fromDatabase, 'over HTTP')
})
