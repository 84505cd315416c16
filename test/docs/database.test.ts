import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import t from 'tap'
import { openSql, testDatabase } from '../postgres.js'
import { testService } from '../service.js'
import { blocksOf } from './documents.js'

const BLOCKS = blocksOf('docs/operating.md').filter(({ language }) => language === 'sql')

t.test('the rights that are documented are enough, and the service leaves nothing behind', async (t) => {
  const { sql: admin, connection } = await testDatabase(t)
  const role = `docs_${randomBytes(4).toString('hex')}`
  const [grants, removal] = BLOCKS.map(({ text }) =>
    text.replaceAll('aegis_user', role).replace('database aegis', `database ${connection.database}`),
  )
  // The gateway's tables are there before the service is.
  await admin.unsafe(await readFile('db/migrations/001_gateway_tables.sql', 'utf8'))
  t.teardown(() => admin.unsafe(`drop owned by ${role}; drop role ${role}`))
  await admin.unsafe(grants!)
  await admin`insert into request_logs (timestamp, method, path, status_code, response_time_ms, user_id)
    select now() - i * interval '1 s', 'GET', '/', 200, 20, 'ada' from generate_series(60, 3600) i`

  const service = await testService(t, {
    POSTGRES_DB: connection.database,
    POSTGRES_USER: role,
    POSTGRES_PASSWORD: 'dev_password',
  })
  const { get, post } = service
  t.match(await get('/health'), { body: { data: { status: 'healthy', problems: [] } } })
  t.match(await post('/train', { days: 1 }), {
    body: { data: { anomaly_detector: { trained: true }, rate_optimizer: { trained: true } } },
  })
  t.equal((await admin`select from ml_models where is_active`).count, 2)
  const saved = await post('/optimize', { endpoint: '/', save: true, backtest: true })
  t.equal(saved.status, 200)
  t.equal((await post(`/optimize/recommendations/${saved.body.data['id']}/apply`)).status, 200)
  const request = { timestamp: new Date().toISOString(), method: 'GET', path: '/', status_code: 200 }
  t.equal((await post('/ingest/requests', { batch_id: role, requests: [request] })).status, 202)
  t.equal((await get('/export/training-data?days=1&format=json')).status, 200)
  await service.app.close()

  const own = openSql({ ...connection, user: role, password: 'dev_password' })
  t.teardown(() => own.end({ timeout: 1 }))
  await own.unsafe(removal!)
  const left = await admin`select relname from pg_class where relname like 'aegis%'`
  t.same([...left], [])
  t.equal((await admin`select from request_logs`).count, 3542)
})
