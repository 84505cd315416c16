import t from 'tap'
import { incidentMinutes, markedMinutes } from '../../../db/own/incident-minutes.js'
import { NO_MARKS } from '../../../models/stream/comparison/marked-incidents.js'
import { testDatabase } from '../../postgres.js'

const RANGE = { from: new Date('2026-03-01T00:00:00Z'), to: new Date('2026-03-02T00:00:00Z') }
const [MINUTE, NEXT] = [Date.parse('2026-03-01T10:20:00Z'), Date.parse('2026-03-01T10:21:00Z')]

t.test('marks are read from whatever columns can hold them', async (t) => {
  const { sql } = await testDatabase(t)
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
  const { sql } = await testDatabase(t)
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
