import t from 'tap'
import { AlignedIntervals, type Interval } from './core.js'
import { HandClock } from './hand-clock.js'
import { MINUTE_MS } from '../../models/traffic/durations.js'

function watched(wall: string) {
  const clock = new HandClock(wall)
  const ended: Interval[] = []
  const intervals = new AlignedIntervals(MINUTE_MS, clock, (interval) => ended.push(interval))
  const seen = () => ended.map(({ beganMs, lengthMs }) => [at(beganMs), Math.round(lengthMs / 100) / 10])
  return { clock, intervals, ended, seen }
}

const at = (ms: number) => new Date(ms).toISOString().slice(11, 19)

t.test('intervals end with the minutes of the wall clock; the first and the last are shorter', async (t) => {
  const { clock, intervals, seen } = watched('2026-01-31T12:00:43Z')
  clock.pass(17_000 + 2 * MINUTE_MS + 5_000)
  t.same(seen(), [
    ['12:00:43', 17],
    ['12:01:00', 60],
    ['12:02:00', 60],
  ])
  t.match(intervals.close(), { lengthMs: 4_999 })
  clock.pass(10 * MINUTE_MS)
  t.equal(seen().length, 3, 'nothing after the end')
})

t.test('an interval is not begun for the last moments of a minute', async (t) => {
  const { clock, seen } = watched('2026-01-31T12:00:59.500Z')
  clock.pass(500 + 2 * MINUTE_MS + 10)
  t.same(seen(), [
    ['12:00:59', 60.5],
    ['12:02:00', 60],
  ])
})

t.test('a process that stood still reports one long interval, not many', async (t) => {
  const { clock, seen } = watched('2026-01-31T12:00:00Z')
  clock.stall(10 * MINUTE_MS + 20_000)
  clock.pass(41_000)
  t.same(seen(), [
    ['12:00:00', 620],
    ['12:10:20', 40],
  ])
})

for (const [name, jumpMs] of [
  ['an hour forward', 3_600_000],
  ['twenty seconds forward', 20_000],
  ['two seconds back', -2_000],
  ['forty seconds back', -40_000],
  ['an hour back', -3_600_000],
  ['forty years back', -40 * 365 * 86_400_000],
] as const) {
  t.test(`a clock that jumps ${name} makes no length wrong and no interval twice`, async (t) => {
    const { clock, ended } = watched('2026-01-31T12:00:00Z')
    clock.pass(3 * MINUTE_MS + 30_000)
    const [before, asked] = [ended.length, clock.asked]
    clock.jump(jumpMs)
    clock.pass(10 * MINUTE_MS)
    t.ok(clock.asked - asked <= 12, `${clock.asked - asked} timers`)
    const lengths = ended.map(({ lengthMs }) => lengthMs)
    t.ok(lengths.every((length) => length > 0 && length <= 2 * MINUTE_MS + 10))
    t.ok(lengths.reduce((sum, length) => sum + length, 0) <= 13.5 * MINUTE_MS)
    t.ok(ended.length - before >= 8)
    const minutes = ended.slice(before).map(({ beganMs }) => Math.floor(beganMs / MINUTE_MS))
    t.equal(new Set(minutes).size, minutes.length, 'no two begin in the same minute')
    t.same(
      ended.slice(-5).map(({ beganMs }) => Math.floor((beganMs % MINUTE_MS) / 10)),
      [0, 0, 0, 0, 0],
      'and they have found back to the minutes',
    )
  })
}

t.test('a clock that stands still makes no busy loop', async (t) => {
  const { clock, ended } = watched('2026-01-31T12:00:59.990Z')
  for (let second = 0; second < 600; second++) {
    clock.pass(1_000)
    clock.jump(-1_000)
  }
  t.ok(ended.length <= 10 && clock.asked <= 22, `${ended.length} intervals, ${clock.asked} timers`)
})
