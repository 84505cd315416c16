import t from 'tap'
import {
  createFeedback,
  deleteOldFeedback,
  feedbackSince,
  MAX_ACTIVE_FEEDBACK,
  toFeedback,
} from '../../../db/own/feedback.js'
import { findIncident } from '../../../db/own/incidents.js'
import { storeWatchedMinutes, type WatchedMinute } from '../../../db/own/watched-minutes.js'
import type { AnomalyType } from '../../../models/anomaly/verdict.js'
import { indexFeedback, isMuted, NO_FEEDBACK, ofAllTimes } from '../../../models/incidents/feedback.js'
import type { Series, SeriesMinute } from '../../../models/incidents/series-minute.js'
import { testService } from '../../service.js'
import { anIncident, STARTED, store } from './an-incident.js'

const MINUTE = 60_000
const DAY = 86_400_000
const ORDERS: Series = { kind: 'endpoint', name: 'GET /orders/{id}' }
const EDGE: Series = { kind: 'source', name: 'edge' }

/** A watched minute in alarm, of 600 requests that usually take 50 ms. */
function slowMinute(series: Series, timeMs: number, avg = 200): WatchedMinute {
  return {
    ...{ series, timeMs, seconds: 60, requests: 600, failed: 6 },
    latencyMs: { avg, p95: 2 * avg, p99: null },
    expected: [10, 50, 100, null, 0.01],
    lower: [5, 40, 80, null, 0],
    upper: [20, 60, 120, null, 0.03],
    ...{ anomaly: true, type: 'latency_spike', severity: 'high' },
    alarm: { type: 'latency_spike', severity: 'high', sinceMs: timeMs, explanation: '' },
  }
}

/** The same as it is judged. */
function judged(
  series: Series,
  timeMs: number,
  latencyMs: number,
  type: AnomalyType = 'latency_spike',
): SeriesMinute {
  return {
    ...{ series, timeMs, seconds: 60, requests: 600, failed: 6, latencyMs },
    expected: { requests: 600, failed: 6, latencyMs: 50 },
    alarm: { type, severity: 'high', sinceMs: timeMs, explanation: '' },
  }
}

const ZONE = 'Europe/Berlin'
const service = await testService(t, { TIME_ZONE: ZONE })
const { sql, get, post, delete: remove } = service

/** An incident of ten minutes that has ended, on a day before or after the first one; its id. */
async function ended(number: number, days: number, series: Series, avg = 200): Promise<string> {
  const startedMs = STARTED + days * DAY
  const endpoints =
    series.kind === 'endpoint'
      ? [{ endpoint: series.name, share: 1, startedMs, type: 'latency_spike' as const }]
      : []
  const minutes = Array.from({ length: 10 }, (_, i) => slowMinute(series, startedMs + i * MINUTE, avg))
  await storeWatchedMinutes(sql, minutes)
  const times = { startedMs, endedMs: startedMs + 10 * MINUTE }
  const [written] = await store(sql, [anIncident({ number, series, endpoints, ...times })])
  return written!.incident.id
}

/** A minute at the same time of the day, some days after the marks of this test. */
const laterAt = (days: number) =>
  STARTED + (Math.floor((Date.now() - STARTED) / DAY) + days) * DAY + 5 * MINUTE

async function isQuiet(minute: SeriesMinute): Promise<boolean> {
  const index = indexFeedback((await feedbackSince(sql, new Date(Date.now() - DAY))).map(toFeedback), ZONE)
  return isMuted(minute, index)
}

async function ofToday() {
  const now = new Date()
  return indexFeedback(ofAllTimes((await feedbackSince(sql, now)).map(toFeedback), now.getTime()), ZONE)
}

interface Shown {
  id: string
  state: string
  incident_id: string
  ended_because: string | null
}

const feedbackOf = async (incident: string): Promise<Shown[]> =>
  (await get(`/feedback?incident=${incident}`)).body.data['feedback'] as Shown[]

let id = ''

t.test(
  'a preview says which of the last incidents a mark would have muted, and changes nothing',
  async (t) => {
    const similar = await ended(1, -3, ORDERS, 250)
    const larger = await ended(2, -2, ORDERS, 500)
    const acknowledged = await ended(3, -1, ORDERS)
    await post(`/incidents/${acknowledged}/acknowledge`, { by: 'ada' })
    await ended(4, -1, EDGE)
    id = await ended(5, 0, ORDERS)
    const { status, body } = await post(`/incidents/${id}/false-positive/preview`)
    t.equal(status, 200)
    t.match(body.data, {
      summary: 'Would have muted 2 of the last 4 incidents, 1 of those acknowledged.',
      ...{ compared: 4, muted: [acknowledged, similar], acknowledged: [acknowledged] },
      ...{ hours: [12, 13, 14], time_zone: 'Europe/Berlin' },
      deviations: [
        {
          ...{ source: 'default', endpoint: ORDERS.name, types: ['latency_spike'] },
          ...{ sizes: { latency_spike: 3, traffic_drop: 0 }, up_to: { latency_spike: 4.5 } },
        },
      ],
    })
    const ofLarger = (await post(`/incidents/${larger}/false-positive/preview`)).body.data
    t.match(ofLarger, { summary: 'Would have muted 3 of the last 4 incidents, 1 of those acknowledged.' })
    t.match((await get('/feedback')).body.data, { feedback: [], total: 0 })
    t.match(await post('/incidents/999/false-positive/preview'), { status: 404 })
  },
)

t.test('after a false positive, similar deviations raise no alarm; larger ones do', async (t) => {
  t.equal((await post(`/incidents/${id}/false-positive`, { by: 'ada', note: 'the report' })).status, 200)
  await post(`/incidents/${id}/false-positive`, { by: 'ada', note: 'again' })
  const { data } = (await get('/feedback?state=active')).body
  t.match(data, { total: 1, limit: 100, offset: 0 })
  t.match(data['feedback'], [
    {
      ...{ incident_id: id, source: 'default', type: 'latency_spike', state: 'active', created_by: 'ada' },
      ...{ note: 'the report', ended_at: null, ended_because: null, hours: [12, 13, 14] },
    },
  ])
  const [{ id: feedback, created_at, expires_at }] = data['feedback'] as [Record<string, string>]
  t.equal(Date.parse(expires_at!) - Date.parse(created_at!), 30 * DAY)
  t.match((await get(`/feedback/${feedback}`)).body.data, { id: feedback, deviations: [{}] })
  t.ok(await isQuiet(judged(ORDERS, laterAt(1), 250)))
  t.notOk(await isQuiet(judged(ORDERS, laterAt(1), 500)))
  t.notOk(await isQuiet(judged(ORDERS, laterAt(1) + 6 * 3_600_000, 250)))
  t.notOk(await isQuiet(judged(EDGE, laterAt(1), 250)))
  t.notOk(await isQuiet(judged(ORDERS, laterAt(31), 250)))
  const today = await ofToday()
  t.ok(isMuted(judged(ORDERS, STARTED - 10 * DAY, 250), today), 'a scan of the past')
})

t.test('feedback that is deleted mutes nothing from then on; the past stays as it was', async (t) => {
  const [{ id: feedback }] = (await feedbackOf(id)) as [Shown]
  const { body } = await remove(`/feedback/${feedback}`)
  t.match(body.data, { id: feedback, state: 'ended', ended_because: 'deleted', ended_at: String })
  t.match(await remove(`/feedback/${feedback}`), { status: 200, body: { data: body.data } }, 'again')
  t.notOk(await isQuiet(judged(ORDERS, laterAt(1), 250)))
  t.equal((await feedbackSince(sql, new Date(Date.now() - DAY))).length, 1)
  t.equal((await feedbackSince(sql, new Date())).length, 0)
  t.same(await ofToday(), NO_FEEDBACK)
  t.match((await get('/feedback?state=active')).body.data, { total: 0 })
  t.match((await get('/feedback?state=ended&limit=1&offset=1')).body.data, { feedback: [], total: 1 })
  t.match((await get(`/incidents/${id}`)).body.data, { state: 'false_positive' })
})

t.test('who acknowledges a false positive takes its feedback back, and may mark it again', async (t) => {
  t.match(await post(`/incidents/${id}/acknowledge`), {
    status: 200,
    body: { data: { state: 'acknowledged' } },
  })
  await post(`/incidents/${id}/false-positive`)
  t.match(await feedbackOf(id), [{ state: 'active' }, { ended_because: 'deleted' }])
  await post(`/incidents/${id}/acknowledge`, { by: 'ada' })
  t.match(await feedbackOf(id), [{ state: 'ended', ended_because: 'mark_taken_back' }, {}])
  t.notOk(await isQuiet(judged(ORDERS, laterAt(1), 250)))
})

t.test('marks of dashboards make feedback, and end it', async (t) => {
  const other = await ended(6, 1, EDGE)
  const setStatus = async (status: string) => {
    await sql`update anomaly_events set status = ${status}
      where id = (select event_id::bigint from aegis_ml_incidents where id = ${other})`
    await service.app.incidents.takeOverMarks()
    return (await get(`/incidents/${other}`)).body.data['state']
  }
  t.equal(await setStatus('false_positive'), 'false_positive')
  t.match(await feedbackOf(other), [{ state: 'active', source: 'edge' }])
  t.ok(await isQuiet(judged(EDGE, laterAt(1), 200)))
  t.equal(await setStatus('active'), 'resolved', 'as if it had ended by itself')
  t.match(await feedbackOf(other), [{ state: 'ended', ended_because: 'mark_taken_back' }])
  t.equal(await setStatus('false_positive'), 'false_positive')
  t.equal(await setStatus('resolved'), 'resolved')
  t.match(await feedbackOf(other), [{ ended_because: 'mark_taken_back' }, {}])
})

t.test('an incident of several series mutes each of them; without minutes, its figures count', async (t) => {
  const whole: Series = { kind: 'gateway', name: '' }
  const startedMs = STARTED + 2 * DAY
  const times = { startedMs, endedMs: startedMs + 10 * MINUTE }
  await storeWatchedMinutes(sql, [slowMinute(whole, startedMs, 100), slowMinute(ORDERS, startedMs)])
  await storeWatchedMinutes(sql, [slowMinute({ kind: 'endpoint', name: 'GET /' }, startedMs)])
  const [joined, alone] = await store(sql, [
    anIncident({ number: 7, ...times }),
    anIncident({ number: 8, series: { kind: 'source', name: 'x' }, endpoints: [], ...times }),
  ])
  const deviationsOf = async (incident: string) =>
    (await post(`/incidents/${incident}/false-positive/preview`)).body.data['deviations']
  t.match(await deviationsOf(joined!.incident.id), [
    { endpoint: ORDERS.name, sizes: { latency_spike: 3 } },
    { endpoint: null, sizes: { latency_spike: 1 } },
  ])
  t.match(await deviationsOf(alone!.incident.id), [{ source: 'x', endpoint: null }])
})

t.test('at most a thousand apply at a time; what has ended is kept for thirty days', async (t) => {
  const incident = (await findIncident(sql, id))!
  const before = (await get('/feedback')).body.data['total'] as number
  await sql.begin(async (tx) => {
    await createFeedback(tx, incident, 'first', null)
    await tx`insert into aegis_ml_feedback (incident_id, started_at, ended_at, deviations, created_at, expires_at)
      select incident_id, started_at, ended_at, deviations, created_at, expires_at
      from aegis_ml_feedback, generate_series(2, ${MAX_ACTIVE_FEEDBACK}) where author = 'first'`
    await createFeedback(tx, incident, 'last', null)
  })
  t.match((await get('/feedback?state=active')).body.data, { total: MAX_ACTIVE_FEEDBACK })
  t.match((await feedbackOf(id)).at(0), { created_by: 'last' })
  const [replaced] = await sql`select withdrawn_why from aegis_ml_feedback where author = 'first'`
  t.match(replaced, { withdrawn_why: 'replaced' })
  t.equal((await feedbackSince(sql, new Date())).length, MAX_ACTIVE_FEEDBACK)
  await sql`update aegis_ml_feedback set expires_at = now() - interval '31 days'
    where author is null and withdrawn_at is null`
  await deleteOldFeedback(sql)
  t.equal((await get('/feedback')).body.data['total'], before + 2)
})

t.test('ids and pages that are none are refused in words', async (t) => {
  for (const wrong of ['x', '-1', '1e3', '9'.repeat(19)]) {
    t.match(await get(`/feedback/${wrong}`), { status: 400, body: { message: /^id is/ } })
    t.match(await remove(`/feedback/${wrong}`), { status: 400 })
    t.match(await post(`/incidents/${wrong}/false-positive/preview`), { status: 400 })
  }
  t.match(await get('/feedback/999999'), { status: 404, body: { code: 'FEEDBACK_NOT_FOUND' } })
  t.match(await remove('/feedback/999999'), { status: 404, body: { code: 'FEEDBACK_NOT_FOUND' } })
  t.match(await get('/feedback?limit=0'), { status: 400, body: { message: /^limit is/ } })
  t.match(await get('/feedback?state=open'), { status: 400, body: { message: /^state is/ } })
  t.match(await get('/feedback?incident=abc'), { status: 400, body: { message: /^incident is/ } })
})
