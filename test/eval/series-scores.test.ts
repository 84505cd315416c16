import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { findingsOf } from '../../eval/series/alarms.js'
import { fitSmoothing, holtWinters, type Smoothing } from '../../eval/series/holt-winters.js'
import { nabScore, normalised, sigmoid } from '../../eval/series/nab-score.js'
import { parseSeries, parseWindows } from '../../eval/series/parse-series.js'
import { REFERENCES } from '../../eval/series/references.js'
import { judgeByService } from '../../eval/series/service.js'
import type { Series } from '../../eval/series/series.js'
import { blocksOf, firstJudged } from '../../eval/series/walk-forward.js'

const HOUR_MS = 3_600_000
const MONDAY_MS = Date.UTC(2026, 0, 5)

/** Rows of an hour. */
function hourly(values: readonly number[], windows: Series['windows'] = []): Series {
  const timesMs = Float64Array.from(values, (_, i) => MONDAY_MS + i * HOUR_MS)
  return { name: 'a', set: 'a', timesMs, values: Float64Array.from(values), windows }
}

const near = (
  t: { ok(value: boolean, message: string): unknown },
  actual: number,
  expected: number,
  message: string,
  within = 1e-6,
) => t.ok(Math.abs(actual - expected) < within, `${message}: ${actual}, expected ${expected}`)

t.test('the NAB score of windows and alarms is that computed by hand', async (t) => {
  // 2 / (1 + e^(5y)) − 1 at −1, 0 and 1.
  near(t, sigmoid(-1), 0.9866143, 'the beginning of a window')
  near(t, sigmoid(0), 0, 'its end')
  near(t, sigmoid(1), -0.9866143, 'a window later')
  t.equal(sigmoid(3.01), -1)

  const [first, second] = [
    { from: 100, to: 110 },
    { from: 150, to: 160 },
  ]
  // In row 104, y = −(110 − 104) / 10 = −0.6, and (2 / (1 + e^−3) − 1) / 0.9866143 = 0.9051483 / 0.9866143 = 0.9174287.
  const found = nabScore({ windows: [{ ...first, found: 104 }], falseAlarms: [] })
  near(t, found.score, 0.9174287, 'a found window')
  near(
    t,
    nabScore({ windows: [{ ...first, found: 100 }], falseAlarms: [] }).score,
    1,
    'found in its first row',
  )
  t.equal(nabScore({ windows: [{ ...first, found: null }], falseAlarms: [] }).score, -1)
  // Before any window: −0.11. In row 114, y = (114 − 109) / 9 = 0.5555556, and 0.11 (2 / (1 + e^2.7777778) − 1) = −0.0971240.
  // In row 140, y = 31 / 9 > 3: −0.11.
  const windows = [
    { ...first, found: 104 },
    { ...second, found: null },
  ]
  const { score } = nabScore({ windows, falseAlarms: [40, 114, 140] })
  near(t, score, 0.9174287 - 1 - 0.11 - 0.11 * (1 - 2 / (1 + Math.exp(25 / 9))) - 0.11, 'all together')
  near(t, 0.11 * (1 - 2 / (1 + Math.exp(25 / 9))), 0.097124, 'the alarm shortly after', 1e-5)
  // Two windows: no alarm gives −2, all in their first rows give 2. 100 (−0.3996953 + 2) / 4 = 40.0076.
  near(t, normalised([{ score, windows: 2 }]), 40.0076, 'on a scale of 100', 1e-3)
  t.equal(normalised([{ score: -2, windows: 2 }]), 0, 'without alarms')
  t.equal(normalised([{ score: 2, windows: 2 }]), 100)
})

t.test('alarms are compared with windows', async (t) => {
  const series = hourly(Array<number>(200).fill(5), [
    { from: 60, to: 64 },
    { from: 100, to: 104 },
  ])
  const findings = (rows: readonly number[]) => findingsOf(series, (row) => rows.includes(row))
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)
  t.same(findings([63]).windows, [
    { from: 60, to: 64, found: 63 },
    { from: 100, to: 104, found: null },
  ])
  t.same(findings([63, 120, 126, 140]).falseAlarms, [120, 140], 'a gap of five rows does not end an alarm')
  t.same(findings([133, 140]).falseAlarms, [133, 140], 'a gap of six does')
  t.same(findings(range(50, 75)).falseAlarms, [], 'twelve rows around a window belong to it')
  t.same(findings(range(45, 75)).falseAlarms, [45], 'what is before them does not')
  t.same(findings([5, 20]).falseAlarms, [], 'nothing counts in the probation of 30 rows')
  // Its rows 48 to 75 and 88 to 115 belong to windows.
  const endless = [30, 76, 116, 140, 164, 188]
  t.same(
    findings(range(30, 200)).falseAlarms,
    endless,
    'one without end counts once a day outside of windows',
  )
})

t.test('Holt-Winters smoothing gives the forecasts of statsmodels', async (t) => {
  const golden = JSON.parse(readFileSync('test/eval/golden/holt-winters.json', 'utf8')) as {
    readonly period: number
    readonly values: readonly number[]
    readonly cases: readonly (Smoothing & { readonly forecasts: readonly number[] })[]
  }
  const { period } = golden
  const values = Float64Array.from(golden.values)
  for (const { forecasts, ...smoothing } of golden.cases) {
    const ours = holtWinters(values, values.length, period, smoothing)
    t.ok(ours.subarray(0, period).every(Number.isNaN), 'the first period has none')
    const furthest = Math.max(...forecasts.map((each, i) => Math.abs(each - ours[period + i]!)))
    t.ok(furthest < 1e-7, `${JSON.stringify(smoothing)} differs by ${furthest}`)
  }
  const flat = holtWinters(Float64Array.of(4, 4, 4, 4), 4, 10, fitSmoothing(Float64Array.of(4, 4, 4, 4), 10))
  t.same([...flat.subarray(1)], [4, 4, 4], 'less than two periods have no season')
})

t.test('a series is judged in days after its probation, a short one in tenths', async (t) => {
  const long = hourly(Array<number>(240).fill(1))
  const blocks = blocksOf(long)
  t.same(blocks[0], { from: firstJudged(240), to: 60 })
  t.equal(firstJudged(240), 36)
  t.same(blocks.at(-1), { from: 228, to: 240 })
  const short = blocksOf(hourly(Array<number>(100).fill(1)))
  t.same(
    short.map(({ from }) => from),
    [15, 25, 35, 45, 55, 65, 75, 85, 95],
  )
})

t.test('no block sees what comes after it', async (t) => {
  const value = fc.integer({ min: 0, max: 1000 })
  const values = fc.array(value, { minLength: 130, maxLength: 130 })
  const changed = (all: readonly number[], from: number, later: readonly number[]) => [
    ...all.slice(0, from),
    ...later.slice(from),
  ]
  for (const [name, score] of Object.entries(REFERENCES)) {
    const same = fc.property(values, values, fc.nat(8), (all, later, k) => {
      const { to } = blocksOf(hourly(all))[k % blocksOf(hourly(all)).length]!
      const [a, b] = [score(hourly(all)), score(hourly(changed(all, to, later)))]
      return a.subarray(0, to).every((each, i) => each === b[i])
    })
    t.doesNotThrow(() => fc.assert(same, { numRuns: 10 }), name)
  }
  const day = Array.from(
    { length: 130 },
    (_, i) => 100 + 50 * Math.sin((i * Math.PI) / 12) + (i === 70 ? 900 : 0),
  )
  const { to } = blocksOf(hourly(day))[2]!
  const other = judgeByService(
    hourly(
      changed(
        day,
        to,
        day.map(() => 5000),
      ),
    ),
  )
  t.same(
    [...judgeByService(hourly(day)).confirmed.subarray(0, to)],
    [...other.confirmed.subarray(0, to)],
    'the service',
  )
  t.ok(judgeByService(hourly(day)).confirmed.includes(1), 'the service confirms ten times the usual traffic')
})

t.test('tables of several forms are the same series', async (t) => {
  const rows = Array.from({ length: 120 }, (_, i) => ({
    s: 1_767_600_000 + 300 * i,
    value: i,
    label: i >= 100 ? 1 : 0,
  }))
  const iso = (s: number) => new Date(s * 1000).toISOString().slice(0, 19).replace('T', ' ')
  const expected = parseSeries(
    ['t,value,label', ...rows.map(({ s, value, label }) => `${s},${value},${label}`)].join('\n'),
  )
  t.same(expected.windows, [{ from: 100, to: 120 }])
  const plain = rows
    .map(({ s, value, label }) => `${s},${value},${label}`)
    .reverse()
    .join('\r\n')
  t.same(parseSeries(plain), expected, 'without a header, in another order')
  const dates = [
    'is_anomaly,timestamp,value',
    ...rows.map(({ s, value, label }) => `${label},"${iso(s)}",${value}`),
  ]
  t.same(parseSeries(dates.join('\n')), expected, 'with dates')
  const nab = parseWindows(JSON.stringify({ 'set/a.csv': [[iso(rows[100]!.s), iso(rows[119]!.s)]] }))
  const unlabelled = ['timestamp,value', ...rows.map(({ s, value }) => `${iso(s)},${value}`)].join('\n')
  t.same(parseSeries(unlabelled, nab.get('set/a.csv')), expected, 'with windows of incidents')
  t.throws(() => parseSeries(`t,value\n1,2\n${'x,1\n'.repeat(200)}`), /line 3: the time/)
  t.throws(() => parseSeries(`t,value\n1,-2\n`), /line 2: the value/)
  t.throws(() => parseSeries('t,value\n1,2\n'), /at least 100 rows/)
  t.throws(() => parseWindows('{"a": [["yesterday", "today"]]}'), /windows of a/)
})
