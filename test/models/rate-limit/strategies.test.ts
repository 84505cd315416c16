import t from 'tap'
import { strategyMultiplier } from '../../../models/rate-limit/strategies.js'

t.test('adaptive looks at swing, errors and latency', async (t) => {
  const table: [number, number, number, number][] = [
    [0, 0, 99.9, 1],
    [0, 0, 100, 0.8],
    [1, 0, 50, 0.7],
    [2, 0, 50, 0.5],
    [0, 0.1, 50, 0.8],
    [0, 0.9, 50, 0.5],
    [5, 1, 5000, 0.2],
  ]
  for (const [timeOfDayVariance, errorRate, avgLatencyMs, factor] of table) {
    const found = strategyMultiplier('adaptive', { timeOfDayVariance, errorRate, avgLatencyMs })
    t.ok(Math.abs(found - factor) < 1e-12, `${found}, ${factor}`)
  }
})
