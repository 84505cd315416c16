import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createPaint, createProgress, formatMinute, formatNextSteps } from '../../../scripts/demo/print.js'

const plain = createPaint(false, undefined)
const report = {
  timestamp: '2026-01-05T08:03:00.000Z',
  requests_per_second: 0.8333333,
  avg_latency_ms: 38.4,
  p95_latency_ms: 61,
  p99_latency_ms: 74.9,
  error_rate: 0.02,
  total_requests: 50,
}
const normal = {
  anomaly: false,
  normalized_score: 0.12,
  anomaly_type: null,
  severity: null,
  explanation: 'As usual.',
  confirmed: false,
}

t.test('colour is for terminals, unless NO_COLOR asks for none', async (t) => {
  t.equal(createPaint(true, undefined)('red', 'x'), '\x1b[31mx\x1b[0m')
  t.equal(createPaint(true, '')('red', 'x'), '\x1b[31mx\x1b[0m')
  t.equal(createPaint(true, '1')('red', 'x'), 'x')
  t.equal(createPaint(false, undefined)('red', 'x'), 'x')
})

t.test('a normal minute is one line, an anomalous one has its explanation below', async (t) => {
  t.equal(
    formatMinute(report, normal, plain),
    '  08:03    0.83 req/s  avg   38 ms  p95   61 ms  errors   2.0 %  normal  score 0.12',
  )
  const found = {
    ...normal,
    anomaly: true,
    anomaly_type: 'traffic_spike',
    severity: 'high',
    normalized_score: 0.9,
  }
  const lines = formatMinute(report, found, plain).split('\n')
  t.match(lines[0], /ANOMALY traffic_spike, high, score 0\.90$/)
  t.match(lines[1], /^ +As usual\.$/)
})

t.test('the curl lines are bodies that POST /detect takes', async (t) => {
  const text = formatNextSteps('http://127.0.0.1:5000', report, plain)
  const bodies = [...text.matchAll(/-d '(.*)'$/gm)].map((match) => JSON.parse(match[1]!))
  t.match(bodies, [
    { requests_per_second: 0.8333, p99_latency_ms: 74.9, source: 'curl' },
    { requests_per_second: 8.333, error_rate: 0.02 },
  ])
  t.match(text, 'http://127.0.0.1:5000/docs')
})

t.test('progress is a bar on a terminal and a line now and then elsewhere', async (t) => {
  const drawn = (isTerminal: boolean) => {
    const written: string[] = []
    const progress = createProgress(isTerminal, (text) => written.push(text))
    for (let done = 1; done <= 20; done++) progress.update(done, 20)
    progress.end()
    return written
  }
  t.same(drawn(false), ['  15 of 20 minutes\n', '  20 of 20 minutes\n'])
  t.equal(drawn(true).length, 21)
  t.match(drawn(true)[9], /^\r {2}\[#{20}\.{20}\] 10 of 20 minutes$/)
})

t.test('--help explains, an unknown argument is refused', async (t) => {
  const main = fileURLToPath(new URL('../../../scripts/demo/main.js', import.meta.url))
  const demo = (argument: string) => spawnSync(process.execPath, [main, argument], { encoding: 'utf8' })
  t.match(demo('--help'), { status: 0, stdout: /--once/ })
  t.match(demo('--twice'), { status: 2, stderr: /Unknown argument --twice/ })
})
