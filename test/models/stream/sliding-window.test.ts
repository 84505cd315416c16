import t from 'tap'
import { SlidingWindows, type Report } from '../../../models/stream/sliding-window.js'

const NOW = Date.parse('2026-11-16T12:00:00Z')
const MINUTE = 60_000

const report = (minute: number, anomaly = false, changes: Partial<Report> = {}): Report => ({
  timestampMs: NOW + minute * MINUTE,
  requestsPerSecond: 50,
  avgLatencyMs: 40,
  errorRate: 0.01,
  anomaly,
  ...changes,
})

t.test('anomalous reports in a row are counted, a normal one ends the row', async (t) => {
  const windows = new SlidingWindows()
  const streaks = [true, true, true, false, true].map((anomaly, minute) =>
    windows.add('a', report(minute - 10, anomaly), NOW),
  )
  t.same(streaks, [1, 2, 3, 0, 1])
})

t.test('a second report for the same minute replaces the first', async (t) => {
  const windows = new SlidingWindows()
  windows.add('a', report(-2, true), NOW)
  t.equal(windows.add('a', report(-1, true), NOW), 2)
  t.equal(windows.add('a', report(-1, true, { timestampMs: NOW - MINUTE + 30_000 }), NOW), 2)
  t.equal(windows.add('a', report(-1, false), NOW), 0)
  t.equal(windows.add('a', report(-1, true), NOW), 2)
  t.equal(windows.trend('a').windowSize, 2)
})

t.test('a report older than the newest moves nothing', async (t) => {
  const windows = new SlidingWindows()
  windows.add('a', report(-2, true), NOW)
  windows.add('a', report(-1, true), NOW)
  const before = windows.trend('a')
  t.equal(windows.add('a', report(-5, true), NOW), 1)
  t.same(windows.trend('a'), before)
})

t.test('a report from a wrong clock neither stops a source nor ends its episode', async (t) => {
  const windows = new SlidingWindows()
  windows.add('a', report(-1, true), NOW)
  windows.add('a', report(60 * 24 * 365), NOW)
  t.equal(windows.add('a', report(0, true), NOW), 2)
  t.equal(windows.add('a', report(1, true), NOW + MINUTE), 3)
  t.equal(windows.trend('a').windowSize, 3)
})

t.test('a source whose clock is always ahead has windows all the same', async (t) => {
  const windows = new SlidingWindows()
  const streaks = [0, 1, 2].map((minute) => windows.add('a', report(1_000_000 + minute, true), NOW))
  t.same(streaks, [1, 2, 3])
})

t.test('after a long silence the count begins anew', async (t) => {
  const windows = new SlidingWindows()
  const streaks = [-60, -50, -20, -19].map((minute) => windows.add('a', report(minute, true), NOW))
  t.same(streaks, [1, 2, 1, 2])
})

t.test('sources do not touch each other', async (t) => {
  const windows = new SlidingWindows()
  windows.add('a', report(-2, true), NOW)
  windows.add('b', report(-2, false), NOW)
  t.equal(windows.add('a', report(-1, true), NOW), 2)
  t.equal(windows.trend('b').anomalyStreak, 0)
})

t.test('the window holds the last 60 reports', async (t) => {
  const windows = new SlidingWindows()
  for (let minute = 0; minute < 100; minute++) windows.add('a', report(minute - 200, minute < 40), NOW)
  t.match(windows.trend('a'), { windowSize: 60, recentAnomalyRate: 0, anomalyStreak: 0 })
})

t.test('of more than a thousand sources the one longest without a report leaves', async (t) => {
  const windows = new SlidingWindows()
  for (let source = 0; source < 1000; source++) windows.add(`s${source}`, report(-3), NOW)
  windows.add('s0', report(-2), NOW)
  windows.add('new', report(-2), NOW)
  t.equal(windows.trend('s0').windowSize, 2)
  t.equal(windows.trend('s1').windowSize, 0)
  t.equal(windows.trend('new').windowSize, 1)
})

t.test('a trend needs ten reports and a direction', async (t) => {
  const rising = (minute: number) =>
    report(minute - 60, false, { requestsPerSecond: 10 * minute, avgLatencyMs: 400 - 10 * minute })
  const windows = new SlidingWindows()
  for (let minute = 0; minute < 9; minute++) {
    windows.add('a', rising(minute), NOW)
  }
  t.match(windows.trend('a'), { rpsTrend: 'stable', status: 'insufficient_data' })
  for (let minute = 9; minute < 20; minute++) {
    windows.add('a', rising(minute), NOW)
  }
  t.match(windows.trend('a'), {
    rpsTrend: 'increasing',
    latencyTrend: 'decreasing',
    errorTrend: 'stable',
    status: 'ok',
  })
})

t.test('a movement too small to matter is no trend', async (t) => {
  const windows = new SlidingWindows()
  for (let minute = 0; minute < 30; minute++) {
    windows.add('a', report(minute - 60, false, { requestsPerSecond: 50 + minute / 100 }), NOW)
  }
  t.equal(windows.trend('a').rpsTrend, 'stable')
})

t.test('clear forgets', async (t) => {
  const windows = new SlidingWindows()
  windows.add('a', report(-1, true), NOW)
  windows.clear()
  t.match(windows.trend('a'), { windowSize: 0, anomalyStreak: 0, status: 'insufficient_data' })
})

t.test('latencies and errors of too few requests are no part of a trend, their traffic is', async (t) => {
  const windows = new SlidingWindows()
  for (let minute = -30; minute < 0; minute++) {
    const rising = {
      requestsPerSecond: 80 + minute,
      avgLatencyMs: 100 + minute,
      errorRate: 0.5 + minute / 100,
    }
    windows.add('all', report(minute, false, rising), NOW)
    windows.add('few', report(minute, false, { ...rising, trafficOnly: true }), NOW)
  }
  t.match(windows.trend('all'), {
    rpsTrend: 'increasing',
    latencyTrend: 'increasing',
    errorTrend: 'increasing',
  })
  t.match(windows.trend('few'), {
    rpsTrend: 'increasing',
    latencyTrend: 'stable',
    errorTrend: 'stable',
    status: 'ok',
  })
})
