import { gzipSync } from 'node:zlib'
import t from 'tap'
import { busiestEndpoints, endpointHistories } from '../../db/traffic/endpoint-histories.js'
import { minuteFigures } from '../../db/traffic/rollups.js'
import { roundsOf } from '../../db/traffic/rounds.js'
import { type Round } from '../../models/watch/judge-round.js'
import { DAY, dayCurve, MINUTE_MS, simulate, START_MS } from '../models/watch/simulated.js'
import { eventually } from '../eventually.js'
import { watchModelToState } from '../../models/watch/state.js'
import { testService } from '../service.js'
import { storeRounds } from '../stored-rounds.js'

const never = new AbortController().signal
const at = (minute: number) => new Date(START_MS + minute * MINUTE_MS)

const service = await testService(t, { RETENTION_DAYS: '3650', TIME_ZONE: 'UTC' })
const { app, sql, post } = service

async function collected<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const value of values) all.push(value)
  return all
}

const END = 2 * DAY
const curve = dayCurve(14)
const { rounds, histories } = simulate(
  [
    { name: 'GET /orders/{id}', rate: (minute) => 20 * curve(minute) },
    { name: 'POST /orders', rate: () => 4, errors: () => 0.05 },
    { name: '/without-method', rate: () => 0.05 },
    { name: 'GET /new', rate: () => 10, begins: END - 300 },
  ],
  END,
)

t.test('without a model or traffic, a fit says what is missing', async (t) => {
  await t.rejects(app.watchModels.fit({ signal: never }), { code: 'MODEL_NOT_TRAINED' })
  t.equal(app.watchModels.current(), null)
})

t.test('histories and rounds come back from the rollups as they went in', async (t) => {
  await storeRounds(sql, rounds)
  const range = { from: at(0), to: at(END) }
  const busiest = await busiestEndpoints(sql, 'request_logs', range, 3)
  t.same(
    busiest.map(({ endpoint }) => endpoint),
    ['GET /orders/{id}', 'POST /orders', 'GET /new'],
  )
  const read = await collected(endpointHistories(sql, 'request_logs', range, busiest, never))
  t.equal(read.length, 3)
  for (const history of read) {
    const expected = histories.find(({ endpoint }) => endpoint === history.endpoint)!
    t.equal(history.firstSeenMs, expected.firstSeenMs)
    for (const column of ['timesMs', 'requests', 'failed', 'p95Ms', 'p99Ms'] as const) {
      t.same(history[column], expected[column], `${history.endpoint} ${column}`)
    }
    t.ok(history.avgMs.every((value, i) => Math.abs(value / expected.avgMs[i]! - 1) < 1e-12))
  }
  const close = ({ timeMs, gateway, endpoints }: Round) => ({
    ...{ timeMs, requests: gateway.requests, failed: gateway.failed, p95Ms: gateway.p95Ms },
    endpoints: endpoints.map(({ avgMs, ...each }) => ({ ...each, avgMs: Math.round(avgMs) })),
  })
  const part = await collected(roundsOf(sql, 'request_logs', { from: at(END - 20), to: at(END + 2) }, never))
  t.same(part.slice(0, 20).map(close), rounds.slice(-20).map(close))
  t.match(part.slice(20), [
    { timeMs: at(END).getTime(), gateway: { requests: 0 }, endpoints: [] },
    { gateway: { requests: 0 } },
  ])
  // What a training reads of the gateway is what is judged.
  const figures = await minuteFigures(sql, 'request_logs', { from: at(END - 20), to: at(END) }, never)
  t.same(
    [...figures.samples],
    part
      .slice(0, 20)
      .flatMap(({ gateway: { requests, failed, avgMs, p95Ms, p99Ms } }) => [
        requests / 60,
        ...[avgMs, p95Ms, p99Ms],
        failed / requests,
      ]),
  )
  const stopped = AbortSignal.abort(new Error('stopped'))
  await t.rejects(collected(roundsOf(sql, 'request_logs', range, stopped)), { message: 'stopped' })
})

t.test('a fit stores a model, which all replicas load', async (t) => {
  await post('/train', { from: at(0).toISOString(), to: at(END).toISOString(), models: ['anomaly'] })
  const version = app.models.active.anomaly!.version
  const shares: number[] = []
  const fitted = await app.watchModels.fit({
    signal: never,
    to: at(END),
    onProgress: (share) => void shares.push(share),
  })
  t.match(fitted, { modelVersion: version, endpoints: 4, to: at(END) })
  t.same(
    shares,
    [...shares].sort((a, b) => a - b),
  )
  t.equal(app.watchModels.current(), fitted)
  const other = await testService(t, {}, service)
  await eventually(async () => other.app.watchModels.current() !== null, {
    what: 'the model on the other replica',
  })
  t.same(
    watchModelToState(other.app.watchModels.current()!.detector.watch),
    watchModelToState(fitted.detector.watch),
  )
})

t.test(
  'endpoints that are young are fitted again; an old model is there until it is displaced',
  async (t) => {
    const { watchModels } = app
    const first = watchModels.current()!
    const again = (await watchModels.refitYoung({ signal: never, to: at(END) }))!
    t.match(again, { modelVersion: first.modelVersion, fitId: first.id, endpoints: 4 })
    t.not(again.id, first.id)
    t.equal(again.detector.version, first.detector.version, 'streams go on')
    t.match(await watchModels.load(first.id), { id: first.id, to: first.to })
    for (let more = 0; more < 2; more++) await watchModels.refitYoung({ signal: never, to: at(END) })
    t.equal(await watchModels.load(first.id), null, 'the newest three are kept')
  },
)

t.test('a model of another release is not used', async (t) => {
  const { id } = app.watchModels.current()!
  const [{ older }] = await sql<[{ older: string }]>`
    update aegis_ml_watch_models set head = ${gzipSync('{"type":"watch-model","version":0}')}
    where id = (select max(id) from aegis_ml_watch_models where id <> ${id}) returning id::text as older`
  t.equal(await app.watchModels.load(older), null)
  await sql`delete from aegis_ml_watch_models`
  t.equal(await app.watchModels.load(id), null)
  t.equal(app.watchModels.current()!.id, id, 'what is loaded stays in use')
})

t.test('two fits at a time are refused, and a signal ends one', async (t) => {
  const stopping = new AbortController()
  const fit = app.watchModels.fit({ signal: stopping.signal, to: at(END) })
  await t.rejects(app.watchModels.fit({ signal: never }), { code: 'BUSY' })
  stopping.abort(new Error('stopped'))
  await t.rejects(fit, { message: 'stopped' })
})

t.test('a history that has ended cannot be watched with', async (t) => {
  await t.rejects(app.watchModels.fit({ signal: never, to: at(-10 * DAY) }), { code: 'NO_DATA' })
})
