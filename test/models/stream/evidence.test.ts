import t from 'tap'
import fc from '../../properties.js'
import { mapChannels } from '../../../models/anomaly/kinds.js'
import type { ChannelStrength } from '../../../models/anomaly/strengths.js'
import {
  addEvidence,
  ENOUGH,
  evidenceReach,
  NO_EVIDENCE,
  persists,
  type Evidence,
} from '../../../models/stream/evidence.js'
import { createRandom } from '../../../models/statistics/random.js'

/** A minute that speaks so much for a small change and for a large one, in one channel; against them in all others. */
const minute = (small: number, large = small) =>
  mapChannels((channel): ChannelStrength => {
    const ratios = channel === 'p95_latency_ms' ? { small, large } : { small: -1, large: -1 }
    return { z: 0, effect: 0, ...ratios }
  })

const after = (ratios: readonly number[], from: Evidence = NO_EVIDENCE) =>
  ratios.reduce((evidence, ratio) => addEvidence(evidence, minute(ratio)), from)

const repeated = (n: number, ratio: number) => Array<number>(n).fill(ratio)
const reach = (evidence: Evidence) => evidenceReach(evidence.p95_latency_ms)
const isOn = (evidence: Evidence) => persists(evidence.p95_latency_ms)

t.test('the logarithms add up to what is enough, over three minutes or more', async (t) => {
  t.ok(Math.abs(reach(after(repeated(3, 3))) - 9 / ENOUGH) < 1e-9)
  t.ok(reach(after(repeated(5, 3))) > 1)
  t.equal(reach(after(repeated(2, 10))), 0, 'two minutes are none, however strong')
  t.ok(reach(after(repeated(3, 4.4))) >= 1)
})

t.test('either change is enough', async (t) => {
  const small = addEvidence(after(repeated(2, 0)), minute(0))
  t.same(small, NO_EVIDENCE)
  const large = Array.from({ length: 4 }).reduce<Evidence>(
    (all) => addEvidence(all, minute(-1, 4)),
    NO_EVIDENCE,
  )
  t.ok(reach(large) >= 1)
  t.equal(large.p95_latency_ms.small.sum, 0)
})

t.test('what speaks against it is taken off, down to nothing', async (t) => {
  t.same(after([3, 3, -2, -5]), NO_EVIDENCE)
  t.equal(after([3, 3, -2]).p95_latency_ms.small.sum, 4)
})

t.test('it goes on until something speaks against it', async (t) => {
  const found = after(repeated(5, 3))
  t.ok(isOn(found))
  t.ok(isOn(after([-0.5], found)), 'one minute that tells nothing ends nothing')
  t.notOk(isOn(after([-0.5, -0.5], found)))
  t.notOk(isOn(after([-2], found)), 'a good one does')
  t.ok(isOn(after([-2, 3], found)), 'a bad one takes it up again')
  t.notOk(isOn(after([3, 2.5])), 'less than half of what is enough is not yet anything')
})

t.test('evidence is bounded: it is gone soon after the worst day', async (t) => {
  const worst = after(repeated(1440, 4.4))
  t.equal(reach(worst), 2)
  t.notOk(isOn(after([-2], worst)))
  t.same(after(repeated(13, -2), worst), NO_EVIDENCE)
})

t.test('sums are never negative, never unbounded, and count their minutes', async () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true }), { maxLength: 200 }), (ratios) => {
      const { small, large } = after(ratios).p95_latency_ms
      return [small, large].every(
        ({ sum, minutes, over }) => sum >= 0 && sum <= 2 * ENOUGH && minutes <= ratios.length && over >= 0,
      )
    }),
  )
})

t.test('stronger minutes gather at least as much', async () => {
  const pair = fc.record({
    ratio: fc.double({ min: -5, max: 5, noNaN: true }),
    more: fc.double({ min: 0, max: 5, noNaN: true }),
  })
  fc.assert(
    fc.property(fc.array(pair, { maxLength: 60 }), (minutes) => {
      const weak = after(minutes.map(({ ratio }) => ratio))
      const strong = after(minutes.map(({ ratio, more }) => ratio + more))
      return weak.p95_latency_ms.small.sum <= strong.p95_latency_ms.small.sum + 1e-9
    }),
  )
})

t.test('channels do not touch each other', async (t) => {
  const evidence = after(repeated(20, 3))
  t.same({ ...evidence, p95_latency_ms: null }, { ...NO_EVIDENCE, p95_latency_ms: null })
})

t.test('normal minutes come to h at most once in e^h minutes', async (t) => {
  const random = createRandom(4)
  const shift = 1.5
  let evidence = NO_EVIDENCE
  const minutes = 200_000
  const beyond = [3, 5, 7].map((h) => ({ h, n: 0 }))
  for (let i = 0; i < minutes; i++) {
    evidence = addEvidence(evidence, minute(shift * (random.normal() - shift / 2)))
    for (const each of beyond) if (evidence.p95_latency_ms.small.sum >= each.h) each.n++
  }
  for (const { h, n } of beyond) t.ok(n <= minutes * Math.exp(-h), `${n} minutes at ${h}`)
})
