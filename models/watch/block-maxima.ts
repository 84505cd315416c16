import { jointReach } from '../anomaly/decision.js'
import type { LeastEffects } from '../anomaly/effects.js'
import { reachOf, type Gate } from '../anomaly/gates.js'
import { CHANNELS, KIND_OF, KINDS, mapChannels, mapKinds, type Channel, type Kind } from '../anomaly/kinds.js'
import type { MeasuredInterval, ScoreRows, TimedInterval } from '../anomaly/measure.js'
import type { AnomalyModel } from '../anomaly/model.js'
import type { Thresholds } from '../anomaly/thresholds.js'
import { activeKinds } from '../stream/episode.js'
import { evidenceReach } from '../stream/evidence.js'
import { learnReport } from '../stream/learn-report.js'
import { beginStream, GATEWAY, usualAt } from '../stream/stream-state.js'
import { weighNext } from '../stream/stream.js'

/** How far the reports of a stretch of time reach at most; 1 is at a neutral threshold. */
export interface BlockMaxima {
  readonly gates: Readonly<Record<Kind, number>>
  readonly joint: number
  /** Of the sums of evidence for a small and for a large change, while the kind is active. */
  readonly evidence: Readonly<Record<Channel, { readonly small: number; readonly large: number }>>
}

/** Thresholds that nothing reaches. */
const NEVER: Thresholds = {
  gates: mapKinds(() => Infinity),
  joint: Infinity,
  evidence: mapChannels(() => ({ small: 1e3, large: 1e3 })),
}

/**
 * Follows reports as a stream that raises no alarm, and finds how far they reach: by the gates that a certain report
 * passes, or two in a row, and by the sums of evidence. Thresholds multiply effects alone, so with enough z a kind
 * reaches as far as its effect, and else not at all.
 */
export function blockMaxima(
  reports: readonly TimedInterval[],
  fitted: AnomalyModel,
  effects: LeastEffects,
  score: ScoreRows,
): BlockMaxima {
  const model = { ...fitted, thresholds: NEVER }
  const gates = { ...mapKinds(() => 0) } as Record<Kind, number>
  const evidence = mapChannels(() => ({ small: 0, large: 0 }))
  let joint = 0
  let state = beginStream(GATEWAY)
  let before = NO_REACH
  for (const timed of reports) {
    const weighed = weighNext(state, timed, model, effects, score)
    const { measured } = weighed
    const reach = weighed.minute.score < 0 ? reachesOf(measured, effects) : NO_REACH
    for (const kind of KINDS) {
      const isCertain = reachOf(measured.strengths[kind], measured.gates.certain) >= 1
      gates[kind] = Math.max(gates[kind], isCertain ? reach[kind] : Math.min(reach[kind], before[kind]))
    }
    joint = Math.max(joint, Math.min(reach.joint, before.joint))
    before = reach
    const active = activeKinds(weighed.evidence, measured.strengths, ONE)
    for (const channel of CHANNELS) {
      if (!active[KIND_OF[channel]]) continue
      const { small, large } = weighed.evidence[channel]
      const most = evidence[channel]
      most.small = Math.max(most.small, evidenceReach({ small, large: small }))
      most.large = Math.max(most.large, evidenceReach({ small: large, large }))
    }
    const learned = learnReport(weighed.state.baseline, measured, weighed.rows, false, null, null, model)
    state = {
      ...weighed.state,
      timeMs: timed.timeMs,
      baseline: learned.baseline,
      usual: usualAt(model, measured.moment, learned.baseline.level),
      evidence: weighed.evidence,
    }
  }
  return { gates, joint, evidence }
}

const ONE = mapChannels(() => ({ small: 1, large: 1 }))
const NO_REACH: Readonly<Record<Kind | 'joint', number>> = { ...mapKinds(() => 0), joint: 0 }

function reachesOf(measured: MeasuredInterval, effects: LeastEffects): Record<Kind | 'joint', number> {
  const { gate, joint } = measured.gates
  const isEnough = measured.interval.requests >= effects.requests
  const certain = withCertainZ(measured, gate)
  return {
    ...mapKinds((kind) => {
      const isJudged = isEnough || kind === 'traffic_spike' || kind === 'traffic_drop'
      return isJudged ? Math.max(0, reachOf(certain.strengths[kind], gate)) : 0
    }),
    joint: jointReach(withCertainZ(measured, joint), effects),
  }
}

function withCertainZ(measured: MeasuredInterval, gate: Gate): MeasuredInterval {
  const strengths = mapKinds((kind) => {
    const { z, effect } = measured.strengths[kind]
    return { z: z >= gate.z ? Infinity : 0, effect }
  })
  return { ...measured, strengths }
}
