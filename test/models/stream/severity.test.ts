import t from 'tap'
import { firstAlarm, judgeAll, type Condition } from './gateway.js'
import { between, busy, from, reports } from './weeks.js'

// The reports begin at six in the morning. After ten hours it is a busy hour.
const BUSY_MINUTE = 600

const severe: [string, Condition, string, string][] = [
  ['half of the requests fail', { errors: 0.5 }, 'high', 'critical'],
  ['nearly all requests stay away', { traffic: 0.03 }, 'high', 'critical'],
  ['no request arrives', { traffic: 0 }, 'high', 'critical'],
  ['every request takes six times as long', { latency: 6 }, 'high', 'critical'],
  ['a quarter of the requests fail', { errors: 0.25 }, 'medium', 'high'],
  ['one request in seventeen fails', { errors: 0.06 }, 'low', 'medium'],
  ['every request takes twice as long', { latency: 2 }, 'medium', 'high'],
  ['ten times the traffic', { traffic: 10 }, 'medium', 'high'],
]

for (const [name, condition, first, second] of severe) {
  t.test(`severity follows the harm from the second minute on: ${name}`, async (t) => {
    const { verdicts } = judgeAll(busy, reports(BUSY_MINUTE + 4, from(BUSY_MINUTE, condition)))
    t.equal(firstAlarm(verdicts), BUSY_MINUTE)
    t.same(
      verdicts.slice(BUSY_MINUTE).map(({ severity }) => severity),
      [first, second, second, second],
    )
  })
}

t.test('the severity of an episode does not fall while it lasts, and rises after half an hour', async (t) => {
  const failing = (minute: number) =>
    (minute < BUSY_MINUTE + 2
      ? between(BUSY_MINUTE, BUSY_MINUTE + 2, { errors: 0.25 })
      : from(0, { errors: 0.06 }))(minute)
  const { verdicts } = judgeAll(busy, reports(BUSY_MINUTE + 40, failing))
  t.equal(verdicts[BUSY_MINUTE + 20]!.severity, 'high')
  t.equal(verdicts.at(-1)!.severity, 'critical')
})

t.test('one bad minute alone does not make an episode severe', async (t) => {
  const failing = (minute: number) =>
    minute === BUSY_MINUTE + 5 ? { errors: 0.9 } : from(BUSY_MINUTE, { errors: 0.06 })(minute)
  const { verdicts } = judgeAll(busy, reports(BUSY_MINUTE + 10, failing))
  t.equal(verdicts[BUSY_MINUTE + 5]!.severity, 'high')
  t.equal(verdicts[BUSY_MINUTE + 9]!.severity, 'medium')
})
