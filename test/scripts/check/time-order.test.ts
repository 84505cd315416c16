import t from 'tap'
import { readLimits } from '../../../formats/limit-files/read/read-limits.js'
import { LimitReplay } from '../../../scripts/check/replay.js'
import { TimeOrder } from '../../../scripts/check/time-order.js'

interface Request {
  readonly timeMs: number
  readonly name: string
}

function passedOn(timesMs: readonly number[], maxWaiting: number, maxCharacters = Infinity): Request[] {
  const received: Request[] = []
  const order = new TimeOrder<Request>((each) => void received.push(each), maxWaiting, maxCharacters)
  timesMs.forEach((timeMs, place) => order.push({ timeMs, name: String(place) }, 10))
  order.end()
  return received
}

const timesOf = (requests: readonly Request[]) => requests.map(({ timeMs }) => timeMs)

t.test('requests come in the order of time, and equal times in the order of the log', async (t) => {
  const received = passedOn([5, 3, 3, 9, 1, 7, 3], 10)
  t.same(timesOf(received), [1, 3, 3, 3, 5, 7, 9])
  t.same(
    received.map(({ name }) => name),
    ['4', '1', '2', '6', '0', '5', '3'],
  )
})

t.test('as many requests wait as are allowed, and what comes later than that comes late', async (t) => {
  const shuffled = Array.from({ length: 1000 }, (_, i) => (i * 7) % 1000)
  const sorted = [...shuffled].sort((a, b) => a - b)
  t.same(timesOf(passedOn(shuffled, 1000)), sorted)
  t.same(timesOf(passedOn([1, 4, 3, 6, 5, 8, 7, 0], 2)), [1, 3, 4, 5, 6, 0, 7, 8])
  t.same(timesOf(passedOn(shuffled, 0)), shuffled, 'without room, as they come')
})

t.test('the characters of the lines that wait are bounded too', async (t) => {
  t.same(timesOf(passedOn([3, 2, 5, 1], 10, 20)), [2, 1, 3, 5])
  t.same(timesOf(passedOn([3, 2, 5, 1], 10, 40)), [1, 2, 3, 5])
})

t.test('requests that come late are counted', async (t) => {
  const limits = readLimits('limit_req_zone $uri zone=a:1m rate=1r/s;\nlimit_req zone=a;\n', 'nginx', {})
  const replay = new LimitReplay(limits)
  for (const timeMs of [1000, 5000, 3000, 4000, 5000, 6000])
    replay.push({ timeMs, method: 'GET', target: '/', path: '/', address: '', user: '', agent: '' })
  t.equal(replay.late, 2)
  t.equal(replay.total.rejected, 3, 'two count at the time of the one ahead')
})
