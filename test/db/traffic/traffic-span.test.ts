import t from 'tap'
import { migrate } from '../../../db/migrate.js'
import { trafficSpan } from '../../../db/traffic/traffic-span.js'
import { testDatabase } from '../../postgres.js'

t.test('the span of the traffic knows no request outside of the range', async (t) => {
  const { sql } = await testDatabase(t)
  await migrate(sql)
  const range = { from: new Date('2026-03-01T00:00:00Z'), to: new Date('2026-03-15T00:00:00Z') }
  const insert = (...times: string[]) =>
    sql`insert into request_logs (timestamp) select unnest(${times}::text[])::timestamptz`
  await insert(
    '-infinity',
    '2026-02-28T23:59:59Z',
    '2026-03-15T00:00:00Z',
    '2099-01-01T00:00:00Z',
    'infinity',
  )
  t.equal(await trafficSpan(sql, 'request_logs', range), null)
  const [oldest, newest] = [new Date('2026-03-01T00:00:00Z'), new Date('2026-03-02T12:00:00Z')]
  await insert(oldest.toISOString(), newest.toISOString())
  t.same(await trafficSpan(sql, 'request_logs', range), { oldest, newest })
})
