import t from 'tap'
import fc from 'fast-check'
import { mapChannels, type Channels, type Strength } from '../../../models/anomaly/strengths.js'
import { evidenceReach, gather, NO_EVIDENCE, type Gathered } from '../../../models/stream/evidence.js'

const CALM: Strength = { z: 0, effect: 0 }

/** Minutes in which one channel is so strong, and all others are calm. */
const latency = (strength: Strength): Channels =>
  mapChannels((channel) => (channel === 'p95_latency_ms' ? strength : CALM))

const after = (minutes: readonly Strength[], from: Gathered = NO_EVIDENCE) =>
  minutes.reduce((evidence, strength) => gather(evidence, latency(strength)), from)

const repeated = (n: number, strength: Strength) => Array<Strength>(n).fill(strength)
const reach = (gathered: Gathered) => evidenceReach(gathered.p95_latency_ms)

/** The first of so many minutes from which on the evidence is enough; NaN when it never is. */
function minutesUntilEnough(strength: Strength, most = 500, from = NO_EVIDENCE): number {
  let evidence = from
  for (let minute = 1; minute <= most; minute++) {
    evidence = gather(evidence, latency(strength))
    if (reach(evidence) >= 1) return minute
  }
  return NaN
}

t.test('one odd minute is no evidence, however odd', async (t) => {
  for (const z of [3, 10, 1000, Infinity]) {
    let evidence = after([{ z, effect: z }])
    for (let minute = 0; minute < 12; minute++) {
      t.ok(reach(evidence) < 1, `z ${z}, ${minute} minutes later: ${reach(evidence)}`)
      evidence = gather(evidence, latency(CALM))
    }
    t.same(evidence, NO_EVIDENCE, 'and it is forgotten')
  }
})

t.test('two odd minutes are none either', async (t) => {
  t.equal(reach(after(repeated(2, { z: 100, effect: 100 }))), 0)
})

t.test('a few standard deviations are evidence after some minutes, fewer after more', async (t) => {
  t.equal(minutesUntilEnough({ z: 3, effect: 1 }), 6)
  t.equal(minutesUntilEnough({ z: 2, effect: 1 }), 12)
  t.equal(minutesUntilEnough({ z: 1.5, effect: 1 }), 24)
  t.equal(minutesUntilEnough({ z: 6, effect: 4 }), 3)
})

t.test('what few requests blur is found when it is large, in more minutes', async (t) => {
  t.equal(minutesUntilEnough({ z: 0.875, effect: 2 }), 24)
  t.ok(Number.isNaN(minutesUntilEnough({ z: 0.875, effect: 1.9 })))
})

t.test('deviations too small to matter are no evidence, however long they last', async (t) => {
  t.ok(Number.isNaN(minutesUntilEnough({ z: 5, effect: 0.9 }, 5000)))
})

t.test('within the allowance nothing is gathered, however long it lasts', async (t) => {
  t.same(after(repeated(5000, { z: 0.5, effect: 10 })), NO_EVIDENCE)
})

t.test('a mild drift before it does not hide a strong effect', async (t) => {
  const drifted = after(repeated(300, { z: 1.5, effect: 0.3 }))
  t.ok(reach(drifted) < 1)
  const minutes = minutesUntilEnough({ z: 5, effect: 2 }, 500, drifted)
  t.ok(minutes <= 15, `${minutes} minutes`)
})

t.test('a strong beginning does not make a mild rest matter for long', async (t) => {
  const strong = after(repeated(10, { z: 6, effect: 4 }))
  t.ok(reach(strong) >= 1)
  const rest = after(repeated(60, { z: 2, effect: 0.3 }), strong)
  t.ok(reach(rest) < 1, `${reach(rest)}`)
})

t.test('evidence is bounded: it is gone soon after the worst day', async (t) => {
  const worst = after(repeated(1440, { z: 1e6, effect: 1e6 }))
  t.ok(reach(worst) >= 1 && reach(worst) <= 2, `${reach(worst)}`)
  t.same(after(repeated(36, CALM), worst), NO_EVIDENCE)
  t.same(after(repeated(8, { z: -5, effect: -1 }), worst), NO_EVIDENCE, 'good minutes end it sooner')
})

t.test('good minutes gather nothing', async () => {
  const strength = fc.record({
    z: fc.double({ max: 0, noNaN: true }),
    effect: fc.double({ max: 0, noNaN: true }),
  })
  fc.assert(
    fc.property(
      fc.array(strength),
      (minutes) => JSON.stringify(after(minutes)) === JSON.stringify(NO_EVIDENCE),
    ),
  )
})

t.test('sums are never negative, never unbounded, and count their minutes', async () => {
  const finite = fc.double({ noNaN: true, noDefaultInfinity: true })
  const strength = fc.record({ z: finite, effect: finite })
  fc.assert(
    fc.property(fc.array(strength, { maxLength: 200 }), (minutes) => {
      const { clear, blurred } = after(minutes).p95_latency_ms
      return [clear, blurred].every(
        (each) => each.sum >= 0 && each.sum <= 24 && each.effect <= 4 && each.minutes <= minutes.length,
      )
    }),
  )
})

t.test('stronger minutes gather at least as much', async () => {
  const pair = fc.record({
    z: fc.double({ min: -5, max: 20, noNaN: true }),
    more: fc.double({ min: 0, max: 5, noNaN: true }),
  })
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 60 }), (minutes) => {
      const weak = after(minutes.map(({ z }) => ({ z, effect: 2 })))
      const strong = after(minutes.map(({ z, more }) => ({ z: z + more, effect: 2 })))
      return weak.p95_latency_ms.clear.sum <= strong.p95_latency_ms.clear.sum + 1e-9
    }),
  )
})

t.test('channels do not touch each other', async (t) => {
  const evidence = after(repeated(20, { z: 5, effect: 3 }))
  t.same({ ...evidence, p95_latency_ms: null }, { ...NO_EVIDENCE, p95_latency_ms: null })
})
