import t from 'tap'
import { edgesAt } from '../../../models/seasonality/edges.js'
import { NO_SEASON } from '../../../models/seasonality/season.js'

const hour = (termAt: (minute: number) => number) => ({
  ...NO_SEASON,
  minuteOfHour: Float64Array.from({ length: 60 }, (_, minute) => termAt(minute)),
})

t.test('a job of the hour may be missing, and nothing else is expected besides it', async (t) => {
  const job = hour((minute) => (minute === 30 ? 1.5 : 0))
  t.same(edgesAt(job, 30), { low: -1.5, high: 0 })
  t.same(edgesAt(job, 5 * 60 + 30), { low: -1.5, high: 0 }, 'at any hour')
  t.same(edgesAt(job, 31), { low: 0, high: 0 })
  const pause = hour((minute) => (minute === 30 ? -1.5 : 0))
  t.same(edgesAt(pause, 30), { low: 0, high: 1.5 })
})

t.test('an hour that rises and falls has no jobs', async (t) => {
  const waves = hour((minute) => Math.sin((minute * Math.PI) / 30))
  for (let minute = 0; minute < 60; minute++) t.same(edgesAt(waves, minute), { low: 0, high: 0 })
})
