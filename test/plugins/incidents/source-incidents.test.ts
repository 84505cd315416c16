import t from 'tap'
import { eventually } from '../../eventually.js'
import { testService, trainOnSynthetic, USUAL } from '../../service.js'
import { anIncident, store } from './an-incident.js'

const MINUTE = 60_000
const service = await testService(t)
const { sql, post } = service
await trainOnSynthetic(service, 48)

/** An incident of a source, as the watcher stores it a moment after a verdict. */
const stored = async (number: number, source: string, endedMs: number | null) => {
  const series = { kind: 'source', name: source } as const
  const [written] = await store(sql, [anIncident({ number, series, endpoints: [], endedMs })])
  return written!.incident.id
}

t.test('a verdict has the incident of its source while that goes on', async (t) => {
  const start = Math.floor(Date.now() / MINUTE) * MINUTE - 30 * MINUTE
  let minute = 0
  const report = async (changes: object = {}) => {
    const timestamp = new Date(start + minute++ * MINUTE).toISOString()
    return (await post('/detect', { ...USUAL, source: 'shop', timestamp, ...changes })).body.data
  }
  const bad = { error_rate: 0.9 }
  t.match(await report(), { anomaly: false, alarm_since: null })
  const first = await report(bad)
  t.match(first, { anomaly: true, alarm_since: String })
  t.notOk('incident_id' in first)
  const id = await stored(1, 'shop', null)
  const other = await stored(2, 'another', null)
  // The same minute again replaces the report.
  const again = async (changes: object = bad) => {
    minute--
    return report(changes)
  }
  await eventually(async () => (await again())['incident_id'] === id, { what: 'the incident in a verdict' })
  t.match(await report(bad), { anomaly: true, alarm_since: first['alarm_since'], incident_id: id })
  t.match(await report(), { anomaly: false, alarm_since: first['alarm_since'], incident_id: id })
  const idOf = async (source: string) =>
    (await post('/detect', { ...USUAL, source })).body.data['incident_id']
  await eventually(async () => (await idOf('another')) === other, { what: 'the incident of another source' })
  t.equal(await idOf('third'), undefined)
  const batch = await post('/detect/batch', { metrics: [{ ...USUAL, source: 'shop' }] })
  const [verdict] = batch.body.data['results'] as object[]
  t.notOk('incident_id' in verdict! || 'alarm_since' in verdict!, 'a batch is no stream')
  await stored(1, 'shop', anIncident().startedMs + 600_000)
  await eventually(async () => !('incident_id' in (await again({}))), { what: 'its end' })
})
