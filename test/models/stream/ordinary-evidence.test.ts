import t from 'tap'
import { mapChannels } from '../../../models/anomaly/kinds.js'
import { createRandom } from '../../../models/statistics/random.js'
import { EvidencePeakObserver } from '../../../models/stream/calibration/evidence-peaks.js'
import { peakBound } from '../../../models/stream/calibration/tail.js'
import { addEvidence, NO_EVIDENCE } from '../../../models/stream/evidence.js'
import { DAY, episodes, fitted, judgeAll, minutes, BUSY, HISTORY_MS, type Condition } from './gateway.js'

/** Peaks of fluctuations with an exponential tail. */
function peaks(count: number, mean: number, seed = 1): number[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, () => -mean * Math.log(1 - random.uniform()))
}

t.test(
  'the bound of peaks is where as many as allowed are expected, and grows with their mean',
  async (t) => {
    const exact = Math.log(1000 / 0.5)
    for (const seed of [1, 2, 3]) {
      const bound = peakBound(peaks(1000, 1, seed), 0.5, 14)
      t.ok(bound > 0.75 * exact && bound < 1.25 * exact, `${bound} instead of ${exact}`)
    }
    t.ok(peakBound(peaks(1000, 2), 0.5, 14) > 1.7 * peakBound(peaks(1000, 1), 0.5, 14))
  },
)

t.test('incidents among the peaks move the bound little, whatever their size', async (t) => {
  const ordinary = peaks(400, 1)
  const without = peakBound(ordinary, 0.5, 14)
  for (const size of [20, 2000]) {
    const bound = peakBound([...ordinary, ...Array.from({ length: 8 }, () => size)], 0.5, 14)
    t.ok(bound < 1.3 * without, `${bound} with incidents of ${size}, ${without} without`)
  }
})

t.test('few peaks say nothing, and where all are allowed there is no bound', async (t) => {
  t.equal(peakBound([], 0.5, 14), 0)
  t.equal(peakBound(peaks(24, 5), 0.5, 14), 0)
  t.ok(peakBound(peaks(26, 5), 0.5, 14) > 0)
  t.equal(peakBound(peaks(400, 5), 1000, 14), 0)
})

t.test('a peak is the largest sum between two times without evidence', async (t) => {
  const observer = new EvidencePeakObserver()
  let evidence = NO_EVIDENCE
  for (const ratio of [1, 1, 1, 2, -1, -9, 0.3, 4, -9, 1, 1, 1, -9]) {
    evidence = addEvidence(
      evidence,
      mapChannels((channel) => ({
        z: 0,
        effect: 0,
        small: channel === 'traffic_drop' ? ratio : -1,
        large: -1,
      })),
    )
    observer.observe({ evidence })
  }
  const { small, large } = observer.peaks.traffic_drop
  t.same({ small, large }, { small: [5, 3], large: [] }, 'shorter ones than evidence needs do not count')
  t.same(observer.peaks.traffic_spike.small, [])
})

t.test('a job of every hour that is switched off is no drop, but silence is one', async (t) => {
  const job = (minute: number): Condition => (minute % 60 === 30 ? { traffic: 4 } : {})
  const detector = fitted(minutes(BUSY, { startMs: HISTORY_MS, count: 4 * DAY }, job))
  const next = (conditionAt?: (minute: number) => Condition) =>
    episodes(
      judgeAll(
        detector,
        minutes({ ...BUSY, seed: 2 }, { startMs: HISTORY_MS + 4 * DAY * 60_000, count: 360 }, conditionAt),
      ).verdicts,
    )
  t.equal(next(job), 0)
  t.equal(next(), 0, 'switched off')
  t.equal(
    next((minute) => (minute >= 330 && minute < 332 ? { traffic: 0 } : {})),
    1,
    'silence',
  )
})
