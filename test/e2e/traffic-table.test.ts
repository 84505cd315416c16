import t from 'tap'
import { createCurrentTable } from '../../plugins/traffic-table.js'
import { testService, type Service } from '../service.js'

/** Requests of the last half an hour in a table. */
const insert = ({ sql }: Service, table: string) => sql`
  insert into ${sql(table)} (timestamp, method, path, status_code)
  select date_trunc('minute', now()) - n * interval '1 second', 'GET', '/', 200 from generate_series(1, 1800) n`

const endpointsOf = async ({ post }: Service) =>
  (
    (await post('/train', { days: 1, models: ['optimizer'] })).body.data['rate_optimizer'] as {
      endpoints: number
    }
  ).endpoints

t.test('auto follows a gateway that begins to write, without a restart', async (t) => {
  for (const table of ['request_metrics', 'request_logs']) {
    const service = await testService(t)
    t.equal(await endpointsOf(service), 0)
    t.equal(await service.app.trafficTable(), 'request_logs')
    await insert(service, table)
    t.equal(await endpointsOf(service), 1)
    t.equal(await service.app.trafficTable(), table)
    t.equal((await service.get('/export/training-data?format=json')).status, 200)
  }
})

t.test('with rows in both, auto is request_logs, and the log names the other', async (t) => {
  const service = await testService(t)
  const said: [string, string][] = []
  const log = {
    info: (_: object, message: string) => void said.push(['info', message]),
    warn: (_: object, message: string) => void said.push(['warn', message]),
  }
  const { sql } = service
  const current = createCurrentTable({ sql, choice: 'auto', log })
  t.equal(await current(), 'request_logs')
  t.equal(await current(), 'request_logs')
  t.match(said, [['warn', /^neither traffic table has rows.*TRAFFIC_TABLE=request_metrics/]])
  await insert(service, 'request_metrics')
  t.equal(await current(), 'request_metrics')
  await insert(service, 'request_logs')
  t.equal(await current(), 'request_metrics', 'a table that was chosen stays')
  t.equal(await createCurrentTable({ sql, choice: 'auto', log })(), 'request_logs')
  t.match(said.slice(1), [
    ['info', /request_metrics/],
    ['warn', /^both traffic tables have rows.*TRAFFIC_TABLE=request_metrics/],
  ])
  t.equal(await createCurrentTable({ sql, choice: 'request_metrics', log })(), 'request_metrics')
})

t.test('a training on an empty table says that the other has rows', async (t) => {
  const service = await testService(t, { TRAFFIC_TABLE: 'request_logs' })
  const { data } = (await service.post('/train')).body
  t.match(data, { anomaly_detector: { trained: false, warnings: [] } })
  await insert(service, 'request_metrics')
  const warnings = [/request_metrics has rows. Set TRAFFIC_TABLE=request_metrics/]
  t.match((await service.post('/train')).body.data, {
    anomaly_detector: { trained: false, error: 'Insufficient training data', warnings },
    rate_optimizer: { trained: false, warnings },
  })
})

t.test('a missing table has no rows', async (t) => {
  const service = await testService(t)
  await service.app.trafficTable() // the look at the start is over
  await service.sql`drop table request_logs`
  await insert(service, 'request_metrics')
  t.equal(await service.app.trafficTable(), 'request_metrics')
})
