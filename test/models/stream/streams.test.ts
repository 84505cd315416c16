import t from 'tap'
import { mapFeatures } from '../../../models/anomaly/features.js'
import type { TimedInterval } from '../../../models/anomaly/measure.js'
import type { Report } from '../../../models/stream/report.js'
import type { StreamVerdict } from '../../../models/stream/stream-verdict.js'
import { Streams, type Judge } from '../../../models/stream/streams.js'

const NOW = Date.parse('2026-11-16T12:00:00Z')
const MINUTE = 60_000

const report = (minute: number, changes: Partial<Report> = {}): TimedInterval => {
  const { timestampMs = NOW + minute * MINUTE, requestsPerSecond = 50, trafficOnly = false } = changes
  const latencies = { avg_latency_ms: changes.avgLatencyMs ?? 40, p95_latency_ms: 90, p99_latency_ms: 120 }
  const { errorRate = 0.01 } = changes
  const interval = { requests_per_second: requestsPerSecond, ...latencies, error_rate: errorRate }
  return {
    interval: { ...interval, seconds: 60, requests: 60 * requestsPerSecond, trafficOnly },
    timeMs: timestampMs,
  }
}

/** The plainest judge: anomalous or not, and how often in a row. */
const judge =
  (anomaly: boolean, timeMs: number): Judge =>
  (state) => {
    const streak = anomaly ? state.streak + 1 : 0
    const verdict: StreamVerdict = {
      ...{ anomaly, streak, confirmed: false, episodeSinceMs: null, flapping: null },
      ...{ score: 0, normalizedScore: 0 },
      ...{ type: null, severity: null, confidence: 1, explanation: '' },
      expected: mapFeatures(() => ({ value: 0, lower: 0, upper: 0 })),
      contributions: mapFeatures(() => 0.2),
    }
    return { verdict, state: { ...state, timeMs, streak } }
  }

interface Said extends Partial<Report> {
  readonly anomaly?: boolean
  readonly nowMs?: number
}

/** A report for so many minutes from NOW; tells the streak. */
function reportAt(streams: Streams, source: string, minute: number, said: Said = {}): number {
  const { anomaly = false, nowMs = NOW, ...changes } = said
  const sent = report(minute, changes)
  return streams.report(source, sent, MINUTE, nowMs, judge(anomaly, sent.timeMs)).verdict.streak
}

type Kept = ReturnType<Streams['takeChanged']>
const throughJson = (kept: Kept) => JSON.parse(JSON.stringify(kept)) as Kept

const bad = { anomaly: true }

t.test('the state goes from each report to the next', async (t) => {
  const streams = new Streams()
  const streaks = [true, true, true, false, true].map((anomaly, minute) =>
    reportAt(streams, 'a', minute - 10, { anomaly }),
  )
  t.same(streaks, [1, 2, 3, 0, 1])
  t.match(streams.trend('a'), { anomalyStreak: 1, recentAnomalyRate: 0.8 })
})

t.test('a second report for the same minute replaces the first', async (t) => {
  const streams = new Streams()
  reportAt(streams, 'a', -2, bad)
  t.equal(reportAt(streams, 'a', -1, bad), 2)
  t.equal(reportAt(streams, 'a', -1, { ...bad, timestampMs: NOW - MINUTE + 30_000 }), 2)
  t.equal(reportAt(streams, 'a', -1), 0)
  t.equal(reportAt(streams, 'a', -1, bad), 2)
  t.match(streams.trend('a'), { windowSize: 2, recentAnomalyRate: 1 })
})

t.test('a report older than the newest is judged, and moves nothing', async (t) => {
  const streams = new Streams()
  reportAt(streams, 'a', -2, bad)
  reportAt(streams, 'a', -1, bad)
  const before = streams.trend('a')
  t.equal(reportAt(streams, 'a', -5, bad), 1)
  t.equal(reportAt(streams, 'a', -5), 0)
  t.same(streams.trend('a'), before)
  t.equal(reportAt(streams, 'a', 0, bad), 3)
})

t.test('a report from a wrong clock neither stops a source nor ends its streak', async (t) => {
  const streams = new Streams()
  reportAt(streams, 'a', -1, bad)
  reportAt(streams, 'a', 60 * 24 * 365)
  t.equal(reportAt(streams, 'a', 0, bad), 2)
  t.equal(reportAt(streams, 'a', 1, { ...bad, nowMs: NOW + MINUTE }), 3)
  t.equal(streams.trend('a').windowSize, 3)
})

t.test('reports of the future leave when one of the present comes', async (t) => {
  const streams = new Streams()
  for (const minute of [1000, 1001, 1002]) reportAt(streams, 'a', minute)
  t.equal(streams.trend('a').windowSize, 3)
  reportAt(streams, 'a', 0)
  t.equal(streams.trend('a').windowSize, 1)
  reportAt(streams, 'a', 1)
  t.equal(streams.trend('a').windowSize, 2)
})

t.test('a clock that is a few minutes ahead is none that is wrong', async (t) => {
  const streams = new Streams()
  reportAt(streams, 'a', 4, { requestsPerSecond: 7 })
  reportAt(streams, 'a', 0)
  reportAt(streams, 'a', 5)
  t.equal(streams.trend('a').windowSize, 2, 'that of now came late')
})

t.test('a source whose clock is always ahead has a window all the same', async (t) => {
  const streams = new Streams()
  const streaks = [0, 1, 2].map((minute) => reportAt(streams, 'a', 1_000_000 + minute, bad))
  t.same(streaks, [1, 2, 3])
})

t.test('sources do not touch each other', async (t) => {
  const streams = new Streams()
  reportAt(streams, 'a', -2, bad)
  reportAt(streams, 'b', -2)
  t.equal(reportAt(streams, 'a', -1, bad), 2)
  t.equal(streams.trend('b').anomalyStreak, 0)
})

t.test('the window holds the last 60 reports', async (t) => {
  const streams = new Streams()
  for (let minute = 0; minute < 100; minute++) {
    reportAt(streams, 'a', minute - 200, { anomaly: minute < 40 })
  }
  t.match(streams.trend('a'), { windowSize: 60, recentAnomalyRate: 0, anomalyStreak: 0 })
})

t.test('of more than a thousand sources the one longest without a report leaves', async (t) => {
  const streams = new Streams()
  for (let source = 0; source < 1000; source++) reportAt(streams, `s${source}`, -3)
  reportAt(streams, 's0', -2)
  reportAt(streams, 'new', -2)
  t.equal(streams.trend('s0').windowSize, 2)
  t.equal(streams.trend('s1').windowSize, 0)
  t.equal(streams.trend('s2').windowSize, 1)
  t.equal(streams.trend('new').windowSize, 1)
})

t.test('a trend needs ten reports and a direction', async (t) => {
  const streams = new Streams()
  const rise = (from: number, to: number) => {
    for (let minute = from; minute < to; minute++) {
      const rising = { requestsPerSecond: 10 * minute, avgLatencyMs: 400 - 10 * minute }
      reportAt(streams, 'a', minute - 60, rising)
    }
  }
  rise(0, 9)
  t.match(streams.trend('a'), { rpsTrend: 'stable', status: 'insufficient_data' })
  rise(9, 20)
  t.match(streams.trend('a'), {
    rpsTrend: 'increasing',
    latencyTrend: 'decreasing',
    errorTrend: 'stable',
    status: 'ok',
  })
})

t.test('one percent more a minute is increasing, a movement too small to matter is not', async (t) => {
  const streams = new Streams()
  for (let minute = 0; minute < 30; minute++) {
    reportAt(streams, 'steady', minute - 60, { requestsPerSecond: 50 * 1.01 ** minute })
    reportAt(streams, 'tiny', minute - 60, { requestsPerSecond: 50 + minute / 100 })
  }
  t.equal(streams.trend('steady').rpsTrend, 'increasing')
  t.equal(streams.trend('tiny').rpsTrend, 'stable')
})

t.test('latencies and errors of too few requests are no part of a trend, their traffic is', async (t) => {
  const streams = new Streams()
  for (let minute = -30; minute < 0; minute++) {
    const rising = {
      requestsPerSecond: 80 + minute,
      avgLatencyMs: 100 + minute,
      errorRate: 0.5 + minute / 100,
    }
    reportAt(streams, 'all', minute, rising)
    reportAt(streams, 'few', minute, { ...rising, trafficOnly: true })
  }
  const all = { rpsTrend: 'increasing', latencyTrend: 'increasing', errorTrend: 'increasing' }
  t.match(streams.trend('all'), all)
  t.match(streams.trend('few'), { ...all, latencyTrend: 'stable', errorTrend: 'stable', status: 'ok' })
})

t.test('clear forgets, what was to be kept too', async (t) => {
  const streams = new Streams()
  reportAt(streams, 'a', -1, bad)
  streams.clear()
  t.match(streams.trend('a'), { windowSize: 0, anomalyStreak: 0, status: 'insufficient_data' })
  t.same(streams.takeChanged(), [])
})

t.test('what has changed is told once', async (t) => {
  const streams = new Streams()
  const changed = () =>
    streams
      .takeChanged()
      .map(([source, { window }]) => `${source} ${window.length}`)
      .sort()
  reportAt(streams, 'a', -2)
  reportAt(streams, 'b', -2)
  reportAt(streams, 'a', -1)
  t.same(changed(), ['a 2', 'b 1'])
  t.same(changed(), [])
  reportAt(streams, 'b', -5)
  t.same(changed(), [], 'an old report changes nothing')
  reportAt(streams, 'b', -1)
  t.same(changed(), ['b 2'])
})

t.test('a source that has left is not to be kept', async (t) => {
  const streams = new Streams()
  for (let source = 0; source < 1001; source++) reportAt(streams, `s${source}`, -3)
  const kept = streams.takeChanged().map(([source]) => source)
  t.equal(kept.length, 1000)
  t.notOk(kept.includes('s0'))
})

t.test('restored sources go on as if nothing had happened, through JSON too', async (t) => {
  const [one, other] = [new Streams(), new Streams()]
  for (const streams of [one, other]) {
    for (let minute = -70; minute < -10; minute++) {
      reportAt(streams, 'a', minute, { anomaly: minute % 7 < -3, requestsPerSecond: 100 + minute })
    }
  }
  const restarted = new Streams()
  restarted.restore(throughJson(other.takeChanged()))
  t.same(restarted.trend('a'), one.trend('a'))
  const reports = [
    [-11, true],
    [-11, false],
    [-10, true],
    [-9, true],
  ] as const
  for (const [minute, anomaly] of reports) {
    const [found, wanted] = [restarted, one].map((streams) => reportAt(streams, 'a', minute, { anomaly }))
    t.equal(found, wanted, `minute ${minute}`)
  }
  t.same(restarted.trend('a'), one.trend('a'))
})

t.test('what was kept does not replace what has reported by now, nor exceed a thousand', async (t) => {
  const before = new Streams()
  for (let source = 0; source < 1000; source++) reportAt(before, `s${source}`, -3)
  const streams = new Streams()
  reportAt(streams, 's0', -2)
  reportAt(streams, 's0', -1)
  reportAt(streams, 'new', -1)
  streams.restore(throughJson(before.takeChanged()))
  t.equal(streams.trend('s0').windowSize, 2)
  t.equal(streams.trend('new').windowSize, 1)
  const sizes = Array.from({ length: 1000 }, (_, source) => streams.trend(`s${source}`).windowSize)
  t.equal(sizes.filter((size) => size > 0).length, 999)
})
