import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createPaint, formatIncident, formatMinute, formatNextSteps } from '../../../scripts/demo/print.js'

const plain = createPaint(false, undefined)
type Incident = Parameters<typeof formatIncident>[0]

const opened = {
  ...{ id: '1', state: 'open', source: 'default', type: 'latency_spike', severity: 'medium' },
  ...{ started_at: '2026-01-05T08:03:00.000Z', ended_at: null, explanation: 'Mean latency 182 ms.' },
  endpoints: [{ endpoint: 'GET /api/orders/{id}', share: 1, started_at: '2026-01-05T08:03:00.000Z' }],
  ...{
    clients: [],
    impact: { requests: 400, failed: 1, slow: 380, clients: 9 },
    change: null,
    recommendation: null,
  },
} as Incident

t.test('colour is for terminals, unless NO_COLOR asks for none', async (t) => {
  t.equal(createPaint(true, undefined)('red', 'x'), '\x1b[31mx\x1b[0m')
  t.equal(createPaint(true, '')('red', 'x'), '\x1b[31mx\x1b[0m')
  t.equal(createPaint(true, '1')('red', 'x'), 'x')
  t.equal(createPaint(false, undefined)('red', 'x'), 'x')
})

t.test('a minute is one line', async (t) => {
  const figures = { requests: 612, p95Ms: 171.3, errorRate: 0.0061 }
  t.equal(
    formatMinute(Date.UTC(2026, 0, 5, 8, 3), figures, plain),
    '  08:03    612 requests  p95  171 ms  errors  0.6 %',
  )
})

t.test('of an incident, only what is new is shown', async (t) => {
  const lines = (now: Incident, before?: Incident) => formatIncident(now, before, 27.4, plain)
  t.same(lines(opened), [
    '  INCIDENT 1  latency_spike of GET /api/orders/{id}, medium, since 08:03',
    '    Mean latency 182 ms.',
    '    On the screen 27 s after the start of the demo.',
  ])
  t.same(lines({ ...opened, explanation: 'New figures.' }, opened), [])
  t.same(lines({ ...opened, severity: 'high' }, opened), ['  INCIDENT 1  is now high'])
  const change = { kind: 'new_client', at: opened.started_at, detail: 'A new client.' }
  t.same(lines({ ...opened, change }, opened), ['  INCIDENT 1  what changed: A new client.'])
  t.same(lines({ ...opened, change: { ...change, detail: 'More.' } }, { ...opened, change }), [])
  const ended = { ...opened, ended_at: '2026-01-05T08:13:00.000Z' }
  t.same(lines(ended, opened), [
    '  INCIDENT 1  has ended at 08:13: of 400 requests, 1 failed and 380 were slow, more than usual',
  ])
  t.same(lines(ended, ended), [])
})

t.test('the next steps are commands; those of a flood only after one', async (t) => {
  const known = { endpoint: 'GET /api/orders/{id}', from: new Date(0) }
  const text = formatNextSteps('http://127.0.0.1:5000', { flood: '2', ...known }, plain)
  t.match(text, "curl -s http://127.0.0.1:5000/incidents/2/apply -H 'content-type: application/json' -d '{")
  t.match(text, 'endpoint=GET%20%2Fapi%2Forders%2F%7Bid%7D&from=1970-01-01T00:00:00.000Z')
  t.notMatch(formatNextSteps('http://127.0.0.1:5000', { flood: undefined, ...known }, plain), 'apply')
})

t.test('--help explains, an unknown argument is refused', async (t) => {
  const main = fileURLToPath(new URL('../../../scripts/demo/main.js', import.meta.url))
  const demo = (argument: string) => spawnSync(process.execPath, [main, argument], { encoding: 'utf8' })
  t.match(demo('--help'), { status: 0, stdout: /--once/ })
  t.match(demo('--twice'), { status: 2, stderr: /Unknown argument --twice/ })
})
