/** How far an interval deviates in one direction. */
export interface Strength {
  /** Standard deviations; negative in the harmless direction. */
  readonly z: number
  /** Multiples of the smallest deviation that matters; negative in the harmless direction. */
  readonly effect: number
}

/** A deviation in one kind that is at least this certain and this large is an anomaly. */
export const GATE = { z: 4.5, effect: 2 }

/** Two kinds that are both at this gate are an anomaly together. */
export const JOINT_GATE = { z: 3.3, effect: 1.4 }

/** A single interval at this gate confirms an alarm. */
export const CERTAIN_GATE = { z: 8, effect: 3 }

export type Gate = Readonly<Strength>

/** The gates of an interval. */
export interface Gates {
  readonly gate: Gate
  readonly joint: Gate
  readonly certain: Gate
}

const GATES_OF_A_MINUTE: Gates = { gate: GATE, joint: JOINT_GATE, certain: CERTAIN_GATE }

/**
 * The gates of an interval of n minutes; those of a minute for shorter ones.
 *
 * - A deviation that lasts does as much harm as a larger one in a single minute. The effect is divided by √n, but never
 *   below the smallest that matters.
 * - There are fewer intervals a day, so that chance may reach further in each: e^(−z²/2), about the chance to reach z, is
 *   multiplied by n, for two kinds at once by √n each.
 */
export function gatesOf(seconds: number): Gates {
  if (seconds <= 60) return GATES_OF_A_MINUTE
  const minutes = seconds / 60
  const longer = ({ z, effect }: Gate, kinds = 1): Gate => ({
    z: Math.sqrt(z ** 2 - (2 * Math.log(minutes)) / kinds),
    effect: Math.max(1, effect / Math.sqrt(minutes)),
  })
  return { gate: longer(GATE), joint: longer(JOINT_GATE, 2), certain: longer(CERTAIN_GATE) }
}

/**
 * How far a strength reaches a gate. 1 is at the gate. The weaker of z and effect decides. NaN in either gives NaN.
 * @param factor on the effect that the gate needs
 */
export function reachOf({ z, effect }: Strength, gate: Gate = GATE, factor = 1): number {
  return Math.min(z / gate.z, effect / gate.effect / factor)
}
