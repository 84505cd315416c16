/** A fault of the backends. */
export interface Fault {
  /** Factor on the duration of every handler. */
  readonly slowness: number
  /** Share of requests that fail in addition to the usual failures. */
  readonly errorShare: number
}

export interface Phase {
  readonly title: string
  readonly minutes: number
  /** Factor on the usual load. */
  readonly load: number
  readonly fault: Fault
  /** The anomaly type that the service should report; null for quiet traffic. */
  readonly expected: string | null
}

/** A minute of the live part and its verdict. */
export interface JudgedMinute {
  /** Index into the phases. */
  readonly phase: number
  /** 0 for the first minute of the phase. */
  readonly offset: number
  readonly anomaly: boolean
  readonly type: string | null
  readonly confirmed: boolean
}

export interface PhaseOutcome {
  readonly phase: Phase
  readonly passed: boolean
  readonly text: string
}

export const HISTORY_MINUTES = 62
export const USUAL_RPS = 50
export const NO_FAULT: Fault = { slowness: 1, errorShare: 0 }

const quiet = (minutes: number): Phase => ({
  title: 'Quiet traffic',
  minutes,
  load: 1,
  fault: NO_FAULT,
  expected: null,
})
const FAULT_MINUTES = 7

export const PHASES: readonly Phase[] = [
  quiet(15),
  {
    ...quiet(FAULT_MINUTES),
    title: 'Eight times as many requests',
    load: 8,
    expected: 'traffic_spike',
  },
  quiet(10),
  {
    ...quiet(FAULT_MINUTES),
    title: 'Nearly all requests are missing',
    load: 0.03,
    expected: 'traffic_drop',
  },
  quiet(10),
  {
    ...quiet(FAULT_MINUTES),
    title: 'Every handler takes six times as long',
    fault: { slowness: 6, errorShare: 0 },
    expected: 'latency_spike',
  },
  quiet(10),
  {
    ...quiet(FAULT_MINUTES),
    title: 'Every other request fails',
    fault: { slowness: 1, errorShare: 0.5 },
    expected: 'error_rate_spike',
  },
  quiet(10),
]

/** Requests per second of quiet traffic. They vary, so that the history has a spread. */
export function quietRate(elapsedMs: number): number {
  const wave = (periodMs: number) => Math.sin((2 * Math.PI * elapsedMs) / periodMs)
  return USUAL_RPS * (1 + 0.1 * wave(19_000) + 0.06 * wave(5300))
}

/** True for the quiet minute right after a fault: requests of the fault still end in it. */
export function isTail(phases: readonly Phase[], phase: number, offset: number): boolean {
  const afterFault = phase > 0 && phases[phase - 1]!.expected !== null
  return offset === 0 && afterFault && phases[phase]!.expected === null
}

/**
 * Checks that the service found every fault and raised no alarm in quiet traffic.
 *
 * A fault is found when a confirmed minute of its phase has the right type, and most of its anomalous minutes have it
 * too. In quiet traffic single minutes may be anomalous, but none may be confirmed. The tail of a fault is ignored,
 * see isTail.
 */
export function judgeStory(phases: readonly Phase[], minutes: readonly JudgedMinute[]): PhaseOutcome[] {
  return phases.map((phase, index) => {
    const own = minutes.filter((minute) => minute.phase === index)
    if (phase.expected !== null) return judgeFault(phase, phase.expected, own)
    return judgeQuiet(
      phase,
      own.filter(({ offset }) => !isTail(phases, index, offset)),
    )
  })
}

function judgeFault(phase: Phase, expected: string, minutes: readonly JudgedMinute[]): PhaseOutcome {
  const anomalous = minutes.filter(({ anomaly }) => anomaly)
  const right = anomalous.filter(({ type }) => type === expected)
  const first = right.find(({ confirmed }) => confirmed)
  if (first !== undefined && 2 * right.length > anomalous.length) {
    const seen = right[0]!.offset + 1
    return {
      phase,
      passed: true,
      text: `${expected}, seen in minute ${seen}, confirmed in minute ${first.offset + 1}`,
    }
  }
  const types = [...new Set(anomalous.map(({ type }) => type))].join(', ')
  const instead = anomalous.length === 0 ? 'no anomaly' : `${anomalous.length} anomalous minutes: ${types}`
  const why = right.length > 0 && first === undefined ? 'was never confirmed' : 'was not found'
  return { phase, passed: false, text: `${expected} ${why}; the service saw ${instead}` }
}

function judgeQuiet(phase: Phase, minutes: readonly JudgedMinute[]): PhaseOutcome {
  const anomalies = minutes.filter(({ anomaly }) => anomaly)
  const confirmed = anomalies.filter((minute) => minute.confirmed)
  const passed = confirmed.length === 0 && minutes.length > 0
  const alarms = confirmed.length > 0 ? `${confirmed.length} confirmed` : 'none confirmed'
  const text =
    anomalies.length === 0
      ? `${minutes.length} minutes, no anomaly`
      : `${minutes.length} minutes, ${anomalies.length} anomalous, ${alarms}`
  return { phase, passed, text }
}
