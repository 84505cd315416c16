import t from 'tap'
import { readWatchProgress } from '../../../db/own/watch-state.js'
import { storeWatchedMinutes, type WatchedMinute } from '../../../db/own/watched-minutes.js'
import type { SeriesAlarm } from '../../../models/incidents/series-minute.js'
import { Watch } from '../../../plugins/watcher/watch.js'
import { isWithoutGap, judged, listed, MINUTE, never, watched } from './a-gateway.js'

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
  t.match(await blind.step(never), { mode: 'waiting', reason: /No model of endpoints/ })
  t.match(await (await Watch.recall(options)).step(never), { mode: 'log' })
  const minutes = await judged(all)
  t.ok(isWithoutGap(minutes))
  t.equal(minutes.at(-1), gateway.nowMs - MINUTE)
})
