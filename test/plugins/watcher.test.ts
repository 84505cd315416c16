import t, { type Test } from 'tap'
import type { Sql } from 'postgres'
import { readWatchProgress } from '../../db/own/watch-state.js'
import { storeWatchedMinutes, type WatchedMinute } from '../../db/own/watched-minutes.js'
import type { SeriesAlarm } from '../../models/incidents/series-minute.js'
import { createRandom } from '../../models/statistics/random.js'
import { poisson } from '../../eval/detection/draws.js'
import { OvertakenError } from '../../plugins/watcher/commit.js'
import { createWatchedLog } from '../../plugins/watcher/log.js'
import { Watch, type WatchOptions } from '../../plugins/watcher/watch.js'
import { testService, type Service } from '../service.js'

const MINUTE = 60_000
const HISTORY = 180
/** A Monday. */
const START = Date.parse('2026-03-02T09:00:00Z')
const never = new AbortController().signal

interface Endpoint {
  readonly path: string
  readonly rate: number
  readonly ms: number
}

const ENDPOINTS: readonly Endpoint[] = [
  { path: '/orders', rate: 60, ms: 40 },
  { path: '/search', rate: 30, ms: 90 },
  { path: '/login', rate: 6, ms: 150 },
]

interface Trouble {
  /** How many times slower it is. */
  readonly slow?: Readonly<Record<string, number>>
  readonly isSilent?: boolean
}

/** A gateway that writes its log, minute by minute, and a clock. */
class Gateway {
  readonly #sql: Sql
  readonly #random = createRandom(7)
  /** The end of the last minute. */
  nowMs = START

  constructor(sql: Sql) {
    this.#sql = sql
  }

  rowsOf(fromMs: number, { slow = {}, isSilent = false }: Trouble = {}): object[] {
    if (isSilent) return []
    const random = this.#random
    return ENDPOINTS.flatMap(({ path, rate, ms }) =>
      Array.from({ length: poisson(random, rate) }, () => ({
        timestamp: new Date(fromMs + Math.floor(random.uniform() * MINUTE)),
        ...{ method: 'GET', path, status_code: random.uniform() < 0.01 ? 500 : 200 },
        response_time_ms: Math.round(ms * Math.exp(0.4 * random.normal()) * (slow[path] ?? 1)),
        ip_address: `10.0.0.${Math.floor(random.uniform() * 50)}`,
      })),
    )
  }

  async write(rows: readonly object[]): Promise<void> {
    for (let at = 0; at < rows.length; at += 5_000)
      await this.#sql`insert into request_logs ${this.#sql(rows.slice(at, at + 5_000) as never)}`
  }

  /** A minute passes; its rows are written at once. */
  async minute(trouble?: Trouble): Promise<void> {
    await this.write(this.rowsOf(this.nowMs, trouble))
    this.nowMs += MINUTE
  }
}

interface Watched {
  readonly gateway: Gateway
  readonly service: Service
  readonly options: WatchOptions
  readonly told: string[]
}

/** A gateway with three hours of history that a model has learned. */
async function watched(t: Test): Promise<Watched> {
  const service = await testService(t, { RETENTION_DAYS: '3650' })
  const { app, sql, post } = service
  const gateway = new Gateway(sql)
  for (let i = 0; i < HISTORY; i++) await gateway.minute()
  const range = { from: new Date(START).toISOString(), to: new Date(gateway.nowMs).toISOString() }
  t.equal((await post('/train', range)).status, 200)
  await app.watchModels.fit({ signal: never, to: new Date(gateway.nowMs) })
  const told: string[] = []
  const { incidents, watchModels, feedback, config, log } = app
  const { retentionDays, lookBackMinutes, pathRules } = config
  const options: WatchOptions = {
    ...{
      sql,
      incidents,
      watchModels,
      feedback,
      delayMs: 5_000,
      isAlways: false,
      now: () => gateway.nowMs + 6_000,
    },
    watchedLog: createWatchedLog({
      ...{ sql, trafficSql: sql, currentTable: app.trafficTable, log },
      ...{ retentionDays, lookBackMinutes, pathRules },
    }),
    announce: async (_, written) => {
      for (const { kind, incident } of written) if (kind !== null) told.push(`${kind} ${incident.id}`)
    },
    onWritten: () => undefined,
  }
  return { gateway, service, options, told }
}

interface Listed {
  readonly id: string
  readonly state: string
  readonly type: string
  readonly started_at: string
  readonly ended_at: string | null
  readonly explanation: string
  readonly endpoints: readonly { readonly endpoint: string }[]
}

const listed = async ({ service }: Watched) =>
  (await service.get('/incidents')).body.data['incidents'] as unknown as Listed[]

/** The minutes of the gateway that were judged, in order. */
const judged = async ({ service: { sql } }: Watched) =>
  (
    await sql<{ minute: Date }[]>`
      select minute from aegis_ml_watched_minutes where series_kind = 'gateway' order by minute`
  ).map(({ minute }) => minute.getTime())

const isWithoutGap = (minutes: readonly number[]) =>
  minutes.every((minute, i) => i === 0 || minute === minutes[i - 1]! + MINUTE)

t.test('an endpoint that becomes slow is one incident, whichever replica judges', async (t) => {
  const all = await watched(t)
  const { gateway, options, told } = all
  let watch = await Watch.recall(options)
  t.same(await watch.step(never), { mode: 'log', reason: null })
  for (let i = 0; i < 5; i++) {
    await gateway.minute()
    await watch.step(never)
  }
  t.same(await listed(all), [], 'quiet')
  const slowMs = gateway.nowMs
  for (let i = 0; i < 10; i++) {
    await gateway.minute({ slow: { '/search': 5 } })
    if (i === 4) watch = await Watch.recall(options) // another replica
    await watch.step(never)
    if (i === 1) {
      const [incident] = await listed(all)
      t.match(incident, { state: 'open', type: 'latency_spike', ended_at: null })
      t.equal(incident!.endpoints[0]?.endpoint, 'GET /search')
      t.equal(Date.parse(incident!.started_at), slowMs)
    }
  }
  for (let i = 0; i < 15; i++) {
    await gateway.minute()
    await watch.step(never)
  }
  const incidents = await listed(all)
  t.equal(incidents.length, 1)
  t.match(incidents[0], { state: 'resolved', ended_at: new Date(slowMs + 10 * MINUTE).toISOString() })
  t.equal(told.filter((each) => each.startsWith('opened')).length, 1)
  t.equal(told.filter((each) => each.startsWith('ended')).length, 1)
  const minutes = await judged(all)
  t.ok(isWithoutGap(minutes), 'every minute once')
  t.equal(minutes.at(-1), gateway.nowMs - MINUTE)
})

t.test('after a false positive, a similar deviation is no incident; a larger one is', async (t) => {
  const all = await watched(t)
  const { gateway, options, service } = all
  // Each episode is watched by another replica.
  const pass = async (minutes: number, trouble?: Trouble) => {
    const watch = await Watch.recall(options)
    for (let i = 0; i < minutes; i++) {
      await gateway.minute(trouble)
      await watch.step(never)
    }
  }
  /** The clock of this gateway is another one than that of the marks. */
  const markNow = async (id: string) => {
    t.equal((await service.post(`/incidents/${id}/false-positive`)).status, 200)
    await service.sql`update aegis_ml_feedback set created_at = ${new Date(gateway.nowMs)}`
  }
  await pass(1)
  await pass(6, { slow: { '/search': 5 } })
  await pass(12)
  const [first] = await listed(all)
  await markNow(first!.id)
  await pass(6, { slow: { '/search': 5 } })
  t.equal((await listed(all)).length, 1, 'a similar one')
  await pass(4, { slow: { '/search': 15 } })
  const [second] = await listed(all)
  t.match(second, { state: 'open', type: 'latency_spike' })
  t.equal(second!.endpoints[0]?.endpoint, 'GET /search')
  await pass(4, { slow: { '/search': 15 } })
  t.equal((await listed(all)).length, 2, 'one incident')
  await pass(12)
  await pass(6, { slow: { '/orders': 5 } })
  t.match((await listed(all))[0], { endpoints: [{ endpoint: 'GET /orders' }] }, 'another endpoint')
})

t.test('a silence that was marked as a false positive is quiet the next time', async (t) => {
  const all = await watched(t)
  const { gateway, options, service } = all
  const pass = async (minutes: number, isSilent: boolean) => {
    const watch = await Watch.recall(options)
    for (let i = 0; i < minutes; i++) {
      await gateway.minute({ isSilent })
      await watch.step(never)
    }
  }
  await pass(2, false)
  await pass(8, true)
  await pass(12, false)
  const [silence] = await listed(all)
  t.match(silence, { type: 'traffic_drop', state: 'resolved' })
  await service.post(`/incidents/${silence!.id}/false-positive`)
  await service.sql`update aegis_ml_feedback set created_at = ${new Date(gateway.nowMs)}`
  await pass(8, true)
  await pass(12, false)
  t.equal((await listed(all)).length, 1)
  t.equal((await readWatchProgress(options.sql))!.judgedToMs, gateway.nowMs)
})

t.test('of two replicas that judge at a time, one writes a minute', async (t) => {
  const all = await watched(t)
  const { gateway, options, told } = all
  const first = await Watch.recall(options)
  await first.step(never)
  for (let i = 0; i < 6; i++) await gateway.minute(i < 2 ? {} : { slow: { '/orders': 6 } })
  const second = await Watch.recall(options)
  const both = await Promise.allSettled([first.step(never), second.step(never)])
  const failed = both.filter((each) => each.status === 'rejected')
  t.ok(failed.length <= 1)
  for (const { reason } of failed) t.type(reason, OvertakenError)
  const last = await Watch.recall(options)
  await last.step(never)
  t.equal((await listed(all)).length, 1)
  t.equal(told.filter((each) => each.startsWith('opened')).length, 1)
  t.ok(isWithoutGap(await judged(all)))
})

t.test('a log that stops is an incident of its own, which ends when rows come again', async (t) => {
  const all = await watched(t)
  const { gateway, options } = all
  const watch = await Watch.recall(options)
  await watch.step(never)
  await gateway.minute()
  await watch.step(never)
  const stoppedMs = gateway.nowMs
  for (let i = 0; i < 8; i++) {
    await gateway.minute({ isSilent: true })
    await watch.step(never)
    if (i === 3) {
      const [incident] = await listed(all)
      t.match(incident, { state: 'open', type: 'traffic_drop', ended_at: null })
      t.match(incident!.explanation, /^No rows since 2026-03-02 12:0\d UTC/)
    }
  }
  t.ok((await readWatchProgress(options.sql))!.judgedToMs <= stoppedMs, 'what is not known is not judged')
  const backMs = gateway.nowMs
  const next = await Watch.recall(options)
  for (let i = 0; i < 15; i++) {
    await gateway.minute()
    await next.step(never)
  }
  const incidents = await listed(all)
  t.equal(incidents.length, 1, incidents.map(({ explanation }) => explanation).join(' '))
  t.equal(incidents[0]!.state, 'resolved')
  t.ok(Date.parse(incidents[0]!.ended_at!) >= backMs)
  t.equal((await readWatchProgress(options.sql))!.judgedToMs, gateway.nowMs)
})

t.test('a log that is five minutes late is judged late, and nothing else happens', async (t) => {
  const all = await watched(t)
  const { gateway, options } = all
  const watch = await Watch.recall(options)
  const waiting: (readonly object[])[] = []
  let slowMs = NaN
  for (let i = 0; i < 45; i++) {
    if (i === 20) slowMs = gateway.nowMs
    waiting.push(gateway.rowsOf(gateway.nowMs, i >= 20 && i < 30 ? { slow: { '/login': 6 } } : {}))
    if (waiting.length > 5) await gateway.write(waiting.shift()!)
    gateway.nowMs += MINUTE
    await watch.step(never)
  }
  const [incident, ...others] = await listed(all)
  t.equal(others.filter(({ explanation }) => !explanation.startsWith('No rows')).length, 0)
  t.equal(incident?.endpoints[0]?.endpoint, 'GET /login')
  t.ok(Date.parse(incident!.started_at) - slowMs <= 2 * MINUTE)
  t.ok(isWithoutGap(await judged(all)))
})

t.test('whoever takes over while the log is silent does not judge its minutes as empty ones', async (t) => {
  const all = await watched(t)
  const { gateway, options } = all
  await (await Watch.recall(options)).step(never)
  await gateway.minute()
  const stoppedMs = gateway.nowMs
  for (let i = 0; i < 4; i++) {
    await gateway.minute({ isSilent: true })
    await (await Watch.recall(options)).step(never)
  }
  t.ok((await readWatchProgress(options.sql))!.judgedToMs <= stoppedMs)
})

/** A minute of a source. */
const reported = (timeMs: number, alarm: SeriesAlarm | null): WatchedMinute => ({
  ...{ series: { kind: 'source', name: 'billing' }, timeMs, seconds: 60, requests: 60, failed: 30, alarm },
  latencyMs: { avg: 50, p95: 80, p99: 90 },
  ...{ expected: [1, 50, 80, 90, 0], lower: [0, 0, 0, 0, 0], upper: [2, 99, 99, 99, 0.1] },
  ...{ anomaly: alarm !== null, type: alarm?.type ?? null, severity: alarm?.severity ?? null },
})

t.test('an alarm that a source reports late is one incident', async (t) => {
  const all = await watched(t)
  const { gateway, options, told } = all
  await (await Watch.recall(options)).step(never)
  const sinceMs = gateway.nowMs - MINUTE
  const alarm = { type: 'error_rate_spike', severity: 'high', sinceMs, explanation: 'Errors.' } as const
  t.ok((await readWatchProgress(options.sql))!.judgedToMs > sinceMs, 'its minute is judged')
  await storeWatchedMinutes(options.sql, [reported(sinceMs, alarm)])
  for (let i = 0; i < 14; i++) {
    await gateway.minute()
    await (await Watch.recall(options)).step(never) // another replica each time
  }
  const incidents = await listed(all)
  t.equal(incidents.length, 1)
  t.match(incidents[0], { type: 'error_rate_spike', state: 'resolved' })
  t.equal(Date.parse(incidents[0]!.started_at), sinceMs)
  t.equal(told.filter((each) => each.startsWith('opened')).length, 1)
})

t.test('minutes of a log wait for a model that is not loaded, also when sources report', async (t) => {
  const all = await watched(t)
  const { gateway, options } = all
  await (await Watch.recall(options)).step(never)
  for (let i = 0; i < 3; i++) await gateway.minute()
  await storeWatchedMinutes(options.sql, [reported(gateway.nowMs - MINUTE, null)])
  const none = { current: () => null, ofGateway: () => null, load: () => Promise.resolve(null) }
  const blind = await Watch.recall({ ...options, watchModels: none })
  t.match(await blind.step(never), { mode: 'waiting', reason: /not fitted/ })
  t.match(await (await Watch.recall(options)).step(never), { mode: 'log' })
  const minutes = await judged(all)
  t.ok(isWithoutGap(minutes))
  t.equal(minutes.at(-1), gateway.nowMs - MINUTE)
})
