import t, { type Test } from 'tap'
import { migrate } from '../../../db/migrate.js'
import { markIncident } from '../../../db/own/incident-marks.js'
import { incidentMinutes, markedMinutes } from '../../../db/own/incident-minutes.js'
import { markedEndpointRanges } from '../../../db/own/real-incidents.js'
import { NO_MARKS } from '../../../models/stream/comparison/marked-incidents.js'
import { anIncident, STARTED, store } from '../../plugins/incidents/an-incident.js'
import { testDatabase } from '../../postgres.js'

const RANGE = { from: new Date('2026-03-01T00:00:00Z'), to: new Date('2026-03-02T00:00:00Z') }
const [MINUTE, NEXT] = [Date.parse('2026-03-01T10:20:00Z'), Date.parse('2026-03-01T10:21:00Z')]

t.test('marks are read from whatever columns can hold them', async (t) => {
  const sql = await withoutEvents(t)
  await sql`create type state as enum ('resolved', 'open')`
  for (const columns of [
    'detected_at timestamptz, anomaly_type varchar(50), status varchar(20)',
    'detected_at timestamptz, anomaly_type text, status state',
  ]) {
    await sql.unsafe(`create table anomaly_events (${columns})`)
    await sql`insert into anomaly_events values
      ('2026-03-01T10:20:30Z', 'traffic_spike', 'resolved'), ('2026-03-01T10:20:50Z', 'traffic_drop', 'resolved'),
      (null, null, null)`
    t.same(await markedMinutes(sql, RANGE), { incidentsMs: [MINUTE], falsePositivesMs: [] }, columns)
    await sql`drop table anomaly_events`
  }
  await sql`create table anomaly_events (detected_at timestamptz, anomaly_type text, status text)`
  await sql`insert into anomaly_events values ('-infinity', 'traffic_spike', 'resolved'),
    ('infinity', 'traffic_spike', 'resolved'), ('2026-03-01T10:21:00Z', 'traffic_spike', 'false_positive'),
    ('2026-03-01T10:20:00Z', 'traffic_spike', 'acknowledged'), ('2026-03-01T10:20:00Z', 'traffic_spike', 'x')`
  t.same(await markedMinutes(sql, RANGE), { incidentsMs: [MINUTE], falsePositivesMs: [NEXT] })
  t.same(await incidentMinutes(sql, RANGE), [{ from: new Date(MINUTE), to: new Date(NEXT) }])
})

t.test('a table of events that holds something else marks nothing', async (t) => {
  const sql = await withoutEvents(t)
  t.same(await markedMinutes(sql, RANGE), NO_MARKS, 'no table')
  for (const columns of [
    'detected_at bigint, anomaly_type text, status text',
    'detected_at time, anomaly_type text, status text',
    'detected_at jsonb, anomaly_type text, status text',
    'detected_at timestamptz, anomaly_type integer, status integer',
    'detected_at timestamptz, kind text',
  ]) {
    await sql.unsafe(`create table anomaly_events (${columns})`)
    t.same(await markedMinutes(sql, RANGE), NO_MARKS, columns)
    t.same(await incidentMinutes(sql, RANGE), [], columns)
    await sql`drop table anomaly_events`
  }
  await sql`create table anomaly_events (detected_at text, anomaly_type text, status text)`
  await sql`insert into anomaly_events values ('2026-03-01 or so', 'traffic_spike', 'resolved')`
  t.same(await markedMinutes(sql, RANGE), NO_MARKS, 'a text that is no time')
  t.same(await incidentMinutes(sql, RANGE), [])
})

t.test('surges that people marked count; those that ended by themselves do not', async (t) => {
  const { sql } = await testDatabase(t)
  await migrate(sql)
  const surge = { type: 'traffic_spike', endpoints: [] } as const
  const day = { from: new Date(STARTED - 86_400_000), to: new Date(STARTED + 86_400_000) }
  const minutesOf = async () =>
    (await incidentMinutes(sql, day)).flatMap(({ from, to }) =>
      Array.from({ length: (to.getTime() - from.getTime()) / 60_000 }, (_, i) => {
        return (from.getTime() - STARTED) / 60_000 + i
      }),
    )
  await store(
    sql,
    [0, 1, 2, 3].map((i) =>
      anIncident({
        ...{ ...surge, number: i + 1 },
        startedMs: STARTED + 10 * i * 60_000,
        endedMs: STARTED + (10 * i + 5) * 60_000,
      }),
    ),
  )
  t.same(await minutesOf(), [], 'all of them ended by themselves')
  await markIncident(sql, '2', { mark: 'acknowledge', author: 'ada', note: null })
  await markIncident(sql, '3', { mark: 'resolve', author: null, note: null })
  await markIncident(sql, '4', { mark: 'false-positive', author: 'ada', note: null })
  await sql`insert into anomaly_events (detected_at, anomaly_type, severity, status)
    values (${new Date(STARTED + 50 * 60_000)}, 'traffic_spike', 'high', 'resolved')`
  t.same(
    await minutesOf(),
    [10, 11, 12, 13, 14, 20, 21, 22, 23, 24, 50],
    'acknowledged, resolved by somebody, and a row of another program',
  )
})

t.test('an incident that people decided about counts from its start to its end', async (t) => {
  const { sql } = await testDatabase(t)
  await migrate(sql)
  const at = (minutes: number) => STARTED + minutes * 60_000
  const range = { from: new Date(at(0)), to: new Date(at(600)) }
  const endpoints = [
    { endpoint: 'GET /a', share: 0.8, startedMs: at(100), type: 'latency_spike' as const },
    { endpoint: 'GET /b', share: 0.2, startedMs: at(105), type: 'latency_spike' as const },
  ]
  await store(sql, [
    anIncident({ number: 1, startedMs: at(100), endedMs: at(140), endpoints }),
    anIncident({ number: 2, startedMs: at(200), endedMs: at(230), endpoints }),
    anIncident({ number: 3, startedMs: at(300), endedMs: at(301), endpoints: [] }),
    anIncident({ number: 4, startedMs: at(-60), endedMs: at(10), endpoints: [] }),
    anIncident({
      ...{ number: 5, startedMs: at(400), endedMs: at(460) },
      ...{ series: { kind: 'endpoint', name: 'GET /c' }, endpoints: [] },
    }),
  ])
  const decide = (id: string, mark: 'acknowledge' | 'resolve' | 'false-positive') =>
    markIncident(sql, id, { mark, author: 'ada', note: null })
  const minutes = async () => {
    const { incidentsMs, falsePositivesMs } = await markedMinutes(sql, range)
    const sorted = (times: readonly number[]) =>
      times.map((timeMs) => (timeMs - STARTED) / 60_000).sort((a, b) => a - b)
    return [sorted(incidentsMs), sorted(falsePositivesMs)]
  }
  t.same(await minutes(), [[], []], 'all of them ended by themselves')
  await decide('1', 'acknowledge')
  await decide('2', 'false-positive')
  await decide('3', 'resolve')
  await decide('4', 'resolve')
  await decide('5', 'acknowledge')
  t.same(await minutes(), [
    [0, 9, 100, 115, 130, 139, 300, 400],
    [200, 215, 229],
  ])
  const ranges = [...(await markedEndpointRanges(sql, range))].map(([endpoint, own]) => [
    endpoint,
    ...own.map(({ from, to }) => [from.getTime() - STARTED, to.getTime() - STARTED].map((ms) => ms / 60_000)),
  ])
  t.same(ranges, [
    ['GET /a', [100, 140]],
    ['GET /b', [105, 140]],
    ['GET /c', [400, 460]],
  ])
  await sql`drop table anomaly_events`
  t.same(await minutes(), [
    [0, 9, 100, 115, 130, 139, 300],
    [200, 215, 229],
  ])
})

/** A database of the service without the gateway's table of events. */
async function withoutEvents(t: Test) {
  const { sql } = await testDatabase(t)
  await migrate(sql)
  await sql`drop table anomaly_events`
  return sql
}
