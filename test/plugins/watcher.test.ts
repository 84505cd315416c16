import t from 'tap'
import { readWatchProgress } from '../../db/own/watch-state.js'
import { OvertakenError } from '../../plugins/watcher/commit.js'
import { Watch } from '../../plugins/watcher/watch.js'
import { MINUTE, never, type Trouble, watched, listed, judged, isWithoutGap } from './watcher/a-gateway.js'

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
  t.equal(others.filter(({ explanation }) => !/^(No|The) rows/.test(explanation)).length, 0)
  t.equal(incident?.endpoints[0]?.endpoint, 'GET /login')
  t.ok(Date.parse(incident!.started_at) - slowMs <= 2 * MINUTE)
  t.ok(isWithoutGap(await judged(all)))
})
