import t from 'tap'
import { migrate } from '../../../db/migrate.js'
import { incidentMinutes } from '../../../db/own/incident-minutes.js'
import { markIncident } from '../../../db/own/incident-marks.js'
import { anIncident, STARTED, store } from '../../plugins/incidents/an-incident.js'
import { testDatabase } from '../../postgres.js'

t.test('surges that people marked count; those that ended by themselves do not', async (t) => {
  const { sql } = await testDatabase(t)
  await migrate(sql)
  const surge = { type: 'traffic_spike', endpoints: [] } as const
  const day = { from: new Date(STARTED - 86_400_000), to: new Date(STARTED + 86_400_000) }
  const minutesOf = async () =>
    (await incidentMinutes(sql, day)).map(({ from }) => (from.getTime() - STARTED) / 60_000)
  await store(
    sql,
    [0, 1, 2, 3].map((i) =>
      anIncident({ ...surge, number: i + 1, startedMs: STARTED + i * 60_000, endedMs: STARTED + 600_000 }),
    ),
  )
  t.same(await minutesOf(), [], 'all of them ended by themselves')
  await markIncident(sql, '2', { mark: 'acknowledge', author: 'ada', note: null })
  await markIncident(sql, '3', { mark: 'resolve', author: null, note: null })
  await markIncident(sql, '4', { mark: 'false-positive', author: 'ada', note: null })
  await sql`insert into anomaly_events (detected_at, anomaly_type, severity, status)
    values (${new Date(STARTED + 300_000)}, 'traffic_spike', 'high', 'resolved')`
  t.same(await minutesOf(), [1, 2, 5], 'acknowledged, resolved by somebody, and by another program')
})
