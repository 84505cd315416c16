import { CHANNELS, mapChannels, type Channel } from '../../anomaly/kinds.js'
import { MIN_REPORTS } from '../evidence.js'
import type { WeighedReport } from '../stream.js'

/** Lower peaks say nothing about the tail. */
export const MIN_PEAK = 0.5

const CHANGES = ['small', 'large'] as const

/** The largest value of each sum of evidence between two times at which it was 0. */
type EvidencePeaks = Readonly<Record<Channel, Readonly<Record<(typeof CHANGES)[number], number[]>>>>

/** Collects the peaks of the sums of evidence, report by report. */
export class EvidencePeakObserver {
  readonly peaks: EvidencePeaks = mapChannels(() => ({ small: [], large: [] }))
  readonly #open = mapChannels(() => ({ small: 0, large: 0 }))

  observe({ evidence }: Pick<WeighedReport, 'evidence'>): void {
    for (const channel of CHANNELS) {
      const open = this.#open[channel]
      for (const change of CHANGES) {
        const { sum, minutes } = evidence[channel][change]
        if (minutes >= MIN_REPORTS) open[change] = Math.max(open[change], sum)
        if (sum > 0) continue
        if (open[change] >= MIN_PEAK) this.peaks[channel][change].push(open[change])
        open[change] = 0
      }
    }
  }
}
