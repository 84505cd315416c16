import t from 'tap'
import { createRandom } from '../../../models/statistics/random.js'
import { createGateway, ENDPOINTS, type RequestRow, type Trouble } from '../../../scripts/demo/gateway.js'
import { figuresOf } from '../../../scripts/demo/log.js'

const START = Date.UTC(2026, 0, 5, 8)
const SLOW = 'GET /api/orders/{id}'
const FLOODED = 'GET /api/reviews'

const minutes = (trouble: Trouble = {}, seed = 1): RequestRow[] => {
  const gateway = createGateway(createRandom(seed))
  return Array.from({ length: 30 }, (_, i) => gateway.minute(START + i * 60_000, trouble)).flat()
}
const usual = minutes()
const of = (rows: readonly RequestRow[], endpoint: string) =>
  rows.filter(({ method, path }) => `${method} ${path.replace(/\d+$/, '{id}')}` === endpoint)
const mean = (rows: readonly RequestRow[]) =>
  rows.reduce((sum, row) => sum + row.response_time_ms, 0) / rows.length

t.test('rows are in order of time, within their minute, and of all endpoints', async (t) => {
  const times = usual.map(({ timestamp }) => timestamp.getTime())
  t.ok(times.every((time, i) => i === 0 || time >= times[i - 1]!))
  t.ok(times[0]! >= START && times.at(-1)! < START + 30 * 60_000)
  for (const { name, perMinute } of ENDPOINTS) {
    const count = of(usual, name).length
    t.ok(Math.abs(count / (30 * perMinute) - 1) < 0.4, `${name}: ${count}`)
  }
})

t.test('the same seed gives the same traffic', async (t) => {
  const plain = (rows: readonly RequestRow[]) =>
    JSON.stringify(rows.map((row) => ({ ...row, request_id: '' })))
  t.ok(plain(minutes()) === plain(usual))
  t.ok(plain(minutes({}, 2)) !== plain(usual))
})

t.test('a slow endpoint is slow alone', async (t) => {
  const rows = minutes({ slow: { endpoint: SLOW, factor: 4 } })
  t.ok(Math.abs(mean(of(rows, SLOW)) / mean(of(usual, SLOW)) - 4) < 0.4)
  t.ok(Math.abs(mean(of(rows, FLOODED)) / mean(of(usual, FLOODED)) - 1) < 0.2)
})

t.test('a flood is of one client, on one endpoint', async (t) => {
  const rows = minutes({ flood: { endpoint: FLOODED, client: 'crawler-1', perMinute: 100 } })
  const own = rows.filter(({ user_id }) => user_id === 'crawler-1')
  t.ok(own.length > 2700 && own.length < 3300)
  t.equal(of(own, FLOODED).length, own.length)
})

t.test('figures of a minute', async (t) => {
  const row = (ms: number, status: number) => ({ ...usual[0]!, response_time_ms: ms, status_code: status })
  t.same(figuresOf([row(10, 200), row(30, 503)]), { requests: 2, errorRate: 0.5, p95Ms: 29 })
  t.same(figuresOf([]), { requests: 0, errorRate: 0, p95Ms: 0 })
})
