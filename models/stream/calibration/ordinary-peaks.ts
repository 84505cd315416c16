import { KIND_OF, KINDS, mapChannels, mapKinds, CHANNELS, type Channel, type PerKind } from '../../anomaly/kinds.js'
import { MIN_REPORTS, type Evidence } from '../evidence.js'
import { QUIET_REPORTS } from '../episode.js'
import type { WeighedReport } from '../stream.js'

/** A peak of z begins here, and one of evidence there. Lower ones say nothing about the tail. */
export const PEAK_FROM = { z: 1.5, evidence: 0.5 }

/** How far the fluctuations of a history reach, whatever their effect: the largest value of each. */
export interface OrdinaryPeaks {
  /** z of single reports. */
  readonly single: PerKind<number[]>
  /** The smaller z of two reports in a row. */
  readonly repeated: PerKind<number[]>
  /** Sums of evidence. */
  readonly evidence: Readonly<Record<Channel, { readonly small: number[]; readonly large: number[] }>>
}

/** A fluctuation that goes on. */
interface OpenPeak {
  single: number
  repeated: number
  quiet: number
}

/** Follows a history report by report, and collects the peaks of its fluctuations. */
export class PeakObserver {
  readonly peaks: OrdinaryPeaks = {
    single: mapKinds(() => []),
    repeated: mapKinds(() => []),
    evidence: mapChannels(() => ({ small: [], large: [] })),
  }
  readonly #open: PerKind<OpenPeak> = mapKinds(() => ({ single: 0, repeated: 0, quiet: 0 }))
  readonly #sums = mapChannels(() => ({ small: 0, large: 0 }))
  #before: PerKind<number> = mapKinds(() => 0)

  /** @param minRequests with fewer, latencies and errors are not judged by themselves */
  observe({ measured, evidence }: WeighedReport, minRequests: number): void {
    const { strengths, interval } = measured
    const isEnough = interval.requests >= minRequests
    const z = mapKinds((kind) => (isEnough || kind.startsWith('traffic') ? strengths[kind].z : 0))
    for (const kind of KINDS) {
      const open = this.#open[kind]
      open.single = Math.max(open.single, z[kind])
      open.repeated = Math.max(open.repeated, Math.min(z[kind], this.#before[kind]))
      open.quiet = z[kind] < PEAK_FROM.z ? open.quiet + 1 : 0
      if (open.quiet < QUIET_REPORTS) continue
      if (open.single >= PEAK_FROM.z) this.peaks.single[kind].push(open.single)
      if (open.repeated >= PEAK_FROM.z) this.peaks.repeated[kind].push(open.repeated)
      Object.assign(open, { single: 0, repeated: 0 })
    }
    this.#before = z
    for (const channel of CHANNELS) {
      this.#follow(evidence, channel, 'small')
      this.#follow(evidence, channel, 'large')
    }
  }

  #follow(evidence: Evidence, channel: Channel, change: 'small' | 'large'): void {
    const { sum, minutes } = evidence[channel][change]
    const sums = this.#sums[channel]
    if (minutes >= MIN_REPORTS) sums[change] = Math.max(sums[change], sum)
    if (sum > 0) return
    if (sums[change] >= PEAK_FROM.evidence) this.peaks.evidence[channel][change].push(sums[change])
    sums[change] = 0
  }
}

/** The kinds that fluctuate at all. */
export function fluctuatingKinds({ single, evidence }: OrdinaryPeaks): number {
  return KINDS.filter(
    (kind) =>
      single[kind].length > 0 ||
      CHANNELS.some((channel) => KIND_OF[channel] === kind && evidence[channel].small.length > 0),
  ).length
}
